FROM busybox

RUN --mount=type=cache,target=/c true
COPY --chmod=755 a b

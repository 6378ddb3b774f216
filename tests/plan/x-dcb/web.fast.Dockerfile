FROM busybox AS worker
RUN --mount=type=cache,target=/c true

ARG TOOLS=acme/tools
FROM busybox
COPY --from=acme/tools /bin/sh /sh

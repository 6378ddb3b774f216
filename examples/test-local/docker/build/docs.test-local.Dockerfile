FROM busybox AS build
# Only what has changed is compressed: results of earlier builds are in the mount.
RUN --mount=type=bind,source=tools,target=/tools \
    --mount=type=bind,source=pages,target=/pages \
    --mount=type=cache,id=docs-compressed,target=/var/cache/compressed \
    sh /tools/compress.sh /pages /srv/www /var/cache/compressed

FROM busybox
COPY --from=build /srv/www /srv/www
EXPOSE 8080
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "8080", "-h", "/srv/www"]

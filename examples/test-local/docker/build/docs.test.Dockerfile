FROM busybox AS build
COPY tools/ /tools/
COPY pages/ /pages/
RUN sh /tools/compress.sh /pages /srv/www

FROM busybox
COPY --from=build /srv/www /srv/www
EXPOSE 8080
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "8080", "-h", "/srv/www"]

FROM busybox
COPY tools/smoke.sh /usr/local/bin/smoke
COPY pages/ /pages/
CMD ["sh", "/usr/local/bin/smoke", "/pages"]

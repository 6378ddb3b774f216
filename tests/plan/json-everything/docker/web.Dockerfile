FROM busybox AS production

FROM busybox AS worker

FROM busybox
RUN echo built

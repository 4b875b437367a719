# Stands in for prom/prometheus, a BusyBox image.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends busybox prometheus \
    && rm -rf /var/lib/apt/lists/* /etc/prometheus/* \
    && ln -s /bin/busybox /usr/local/bin/wget \
    && install --directory --owner=nobody --group=nogroup /prometheus
USER nobody
WORKDIR /prometheus
VOLUME /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]

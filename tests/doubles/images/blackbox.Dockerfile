# Stands in for prom/blackbox-exporter, a BusyBox image.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends busybox prometheus-blackbox-exporter \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s /bin/busybox /usr/local/bin/wget
ENTRYPOINT ["/usr/bin/prometheus-blackbox-exporter"]

# Stands in for prom/alertmanager, a BusyBox image.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends busybox prometheus-alertmanager \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s /bin/busybox /usr/local/bin/wget \
    && install --directory --owner=nobody --group=nogroup /alertmanager
USER nobody
WORKDIR /alertmanager
VOLUME /alertmanager
ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]

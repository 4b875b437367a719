# Stands in for redis:7.
FROM debian:bookworm-slim
RUN groupadd --gid 999 redis && useradd --uid 999 --gid 999 --home-dir /data redis \
    && apt-get update \
    && apt-get install --yes --no-install-recommends redis-server redis-tools \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=redis --group=redis /data
VOLUME /data
CMD ["redis-server"]

# Stands in for caddy:2, an Alpine image: Debian's Caddy, and BusyBox for what Alpine has of it.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends busybox caddy libcap2-bin \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s /bin/busybox /usr/local/bin/wget \
    && setcap cap_net_bind_service=+ep /usr/bin/caddy \
    && mkdir -p /config/caddy /data/caddy /srv
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

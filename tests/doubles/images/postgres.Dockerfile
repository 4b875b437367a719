# Stands in for postgres:17: Debian's PostgreSQL, with as much of the official entrypoint as the stack counts on.
FROM debian:bookworm-slim
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid 999 --home-dir /var/lib/postgresql postgres \
    && apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-15 postgresql-contrib \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/* /etc/postgresql/* \
    && install --directory --owner=postgres --group=postgres --mode=1777 /var/lib/postgresql/data \
    && mkdir /docker-entrypoint-initdb.d \
    && sed -i "s/^#listen_addresses.*/listen_addresses = '*'/" /usr/share/postgresql/15/postgresql.conf.sample
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]

#!/bin/bash
# The first start makes the cluster and runs what lies in /docker-entrypoint-initdb.d, on a server that only the
# container's own socket leads to; then, and at every later start, the command is run.
set -euo pipefail
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?must be given}"
    # shellcheck disable=SC2086
    initdb --username=postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
    echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sh) if [ -x "$file" ]; then POSTGRES_USER=postgres "$file"; else . "$file"; fi ;;
        *.sql) psql --username=postgres --set=ON_ERROR_STOP=1 --file="$file" ;;
        esac
    done
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi
exec "$@"

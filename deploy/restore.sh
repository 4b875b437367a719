#!/bin/sh
# Brings a backup back: restore.sh FOLDER. The databases become those of the backup, files are laid over those that are
# there; nothing is deleted from storage. Runs that were under way at the time of the backup are taken up or closed.
set -eu
cd "$(dirname "$0")/.."
compose=${COMPOSE:-docker compose}
from=${1:?which backup: restore.sh FOLDER}
value() { sed -n "s/^$1=//p" .env | tail -n 1; }

(cd "$from" && sha256sum --check --quiet SHA256SUMS)
if [ ! -f .env ]; then # a new host
    tar --extract --file="$from/config.tar"
    install -d -m 0750 -o "$(value AERODAG_UID)" -g "$(value AERODAG_GID)" "$(value AERODAG_DATA_ROOT)"
fi
if [ "${CONFIRM:-}" != yes ]; then
    printf 'Replace the databases by those of %s (version %s)? yes/no: ' "$from" "$(cat "$from/version")"
    read -r answer
    [ "$answer" = yes ]
fi
docker image inspect "aerodag:$(value AERODAG_VERSION)" >/dev/null 2>&1 || $compose build

psql() { $compose exec -T postgres psql --username postgres --dbname postgres --quiet --no-psqlrc "$@"; }
others=$($compose config --services | grep -v -x postgres)
# shellcheck disable=SC2086
$compose stop $others
$compose up --detach --wait postgres

# Logins that somebody added; those that are there already are no error.
psql --output=/dev/null <"$from/globals.sql" 2>/dev/null || true
for database in airflow aerodag; do
    owner=$(psql --tuples-only --no-align --command \
        "select pg_get_userbyid(datdba) from pg_database where datname = '$database'")
    # Beside the old one, which goes when the new one is whole.
    psql --set ON_ERROR_STOP=1 --command "drop database if exists ${database}_restored" \
        --command "create database ${database}_restored owner $owner"
    $compose exec -T postgres pg_restore --username postgres --exit-on-error --dbname "${database}_restored" \
        <"$from/$database.dump"
    psql --set ON_ERROR_STOP=1 --command "drop database $database with (force)" \
        --command "alter database ${database}_restored rename to $database"
done
# Passwords as .env has them now, and who may connect.
$compose exec -T postgres sh /docker-entrypoint-initdb.d/databases.sh
for archive in incoming.tar storage.tar; do
    [ ! -f "$from/$archive" ] || $compose run --rm -T files --extract <"$from/$archive"
done
$compose up --detach --wait

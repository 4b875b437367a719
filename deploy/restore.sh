#!/bin/sh
# Brings a backup back: restore.sh FOLDER. The databases become those of the backup, files are laid over those that are
# there; nothing is deleted from storage. Runs that were under way at the time of the backup are taken up or closed.
set -eu
cd "$(dirname "$0")/.."
compose=${COMPOSE:-docker compose}
from=${1:?which backup: restore.sh FOLDER}
value() { sed -n "s/^$1=//p" .env | tail -n 1; }

stop() {
    printf '%s\nNothing was changed.\n' "$1" >&2
    exit 1
}

(cd "$from" && sha256sum --check --quiet SHA256SUMS)
theirs=$(tar --extract --to-stdout --file="$from/config.tar" .env)
their() { printf '%s\n' "$theirs" | sed -n "s/^$1=//p" | tail -n 1; }
version=$(their AERODAG_VERSION)
if [ -f .env ]; then
    version=$(value AERODAG_VERSION)
    case ",$(value FERNET_KEY)," in *",$(their FERNET_KEY),"*) ;; *)
        stop "The backup was made with another FERNET_KEY than .env has, so that its connections could not be read. Move .env, \
aerodag.env and secrets/ away to get those of the backup, or put its key into .env: \
tar -xOf $from/config.tar .env | grep FERNET_KEY" ;;
    esac
fi
if ! docker image inspect "aerodag:$version" >/dev/null 2>&1 && [ "$version" != "$(deploy/version.sh)" ]; then
    commit=${version#*-}
    stop "There is no image aerodag:$version, and this tree would make it from $(deploy/version.sh). \
git checkout ${commit%-dirty}, then restore again."
fi
if [ "${CONFIRM:-}" != yes ]; then
    printf 'Replace the databases by those of %s (version %s)? yes/no: ' "$from" "$(cat "$from/version")"
    read -r answer
    [ "$answer" = yes ]
fi
if [ ! -f .env ]; then # a new host, whose Docker has another group
    tar --extract --file="$from/config.tar"
    sed -i /^DOCKER_GID=/d .env
    deploy/env.sh
fi
docker image inspect "aerodag:$version" >/dev/null 2>&1 || $compose build

psql() { $compose exec -T postgres psql --username postgres --dbname postgres --quiet --no-psqlrc "$@"; }
others=$($compose config --services | grep -v -x postgres)
# shellcheck disable=SC2086
$compose stop $others
$compose up --detach --wait postgres
# Volumes that are new get their owner when these are made.
$compose create sftp uploads

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

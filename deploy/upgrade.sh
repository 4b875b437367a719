#!/bin/sh
# Brings the stack to the version of this tree: upgrade.sh. Images are built and a backup is made while the old version
# works; only then its services are stopped, the databases migrated, and the new ones started. Engines go on meanwhile.
set -eu
cd "$(dirname "$0")/.."
compose=${COMPOSE:-docker compose}
version=${VERSION:-$(deploy/version.sh)}
value() { sed -n "s/^$1=//p" .env | tail -n 1; }

old=$(value AERODAG_VERSION)
deploy/env.sh
AERODAG_VERSION=$version $compose build
[ "${BACKUP:-yes}" = no ] || deploy/backup.sh
began=$(date +%s)
services=$($compose config --services | grep -x -E 'api-server|scheduler|dag-processor|triggerer|exporter|worker-.*')
# shellcheck disable=SC2086
$compose stop $services
sed -i "s/^AERODAG_VERSION=.*/AERODAG_VERSION=$version/" .env
if ! $compose up --detach --wait --remove-orphans; then
    echo "Not every service came up. Back to $old: set AERODAG_VERSION=$old in .env, then make restore FROM=<backup>" >&2
    exit 1
fi
echo "$old -> $version, away for $(($(date +%s) - began)) s"

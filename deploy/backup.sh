#!/bin/sh
# A backup of a running stack: backup.sh [FOLDER] makes FOLDER/<time>, which holds secrets and is only its owner's.
#
# Nothing is stopped. The order makes the parts fit: first what waits in incoming, then both databases, then the files
# that they name. A file is in storage before a row names it and stays there, so that everything uploaded before the
# backup began is in it. What came later may be there too; housekeeping tells of files that the ledger does not know.
# Where storage has snapshots of its own (a NAS, a bucket with versions): FILES=no.
set -eu
cd "$(dirname "$0")/.."
umask 077
compose=${COMPOSE:-docker compose}
value() { sed -n "s/^$1=//p" .env | tail -n 1; }

final=${1:-backups}/$(date -u +%Y%m%dT%H%M%SZ)
part=$final.part
mkdir -p "$part"

dump() { $compose exec -T postgres pg_dump --username postgres --format=custom "$1" >"$part/$1.dump"; }
files() { # of a live tree some change while they are read (1): temporary ones, which no row names
    $compose run --rm -T files --create --sparse --warning=no-file-changed --warning=no-file-removed \
        --anchored --exclude=data/work "$@" >"$part/$archive" || [ $? -eq 1 ]
    tar --list --file="$part/$archive" >/dev/null
}

tar --create --file="$part/config.tar" .env aerodag.env secrets
[ "${FILES:-yes}" = no ] || archive=incoming.tar files incoming data/incoming
$compose exec -T postgres pg_dumpall --username postgres --globals-only >"$part/globals.sql"
dump airflow
dump aerodag
[ "${FILES:-yes}" = no ] || archive=storage.tar files --exclude=data/incoming storage data
value AERODAG_VERSION >"$part/version"
(cd "$part" && sha256sum -- * >SHA256SUMS)
mv "$part" "$final"
du -sh "$final"

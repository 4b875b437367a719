#!/bin/sh
# A Debian tree as this machine's apt has it, on standard output as tar: what an image debian:bookworm-slim begins with.
# It goes to the package mirrors in the way of this machine, so that images can be built from it here.
set -eu
release=bookworm
mirror=$(apt-get indextargets --format '$(CREATED_BY) $(CODENAME) $(REPO_URI)' |
    sed -n "s/^Packages $release //p" | head -n 1)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
debootstrap --variant=minbase --include=ca-certificates "$release" "$tree" "${mirror:-http://deb.debian.org/debian}" >&2
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/archives/*.deb

mkdir -p "$tree/etc/apt/apt.conf.d"
grep -l -i -E 'proxy|Verify-Peer|CaInfo|Timeout|Retries' /etc/apt/apt.conf.d/* 2>/dev/null |
    xargs -r -I '{}' cp '{}' "$tree/etc/apt/apt.conf.d/"
cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
[ ! -f /etc/pip.conf ] || grep -v -E 'find-links|file://' /etc/pip.conf >"$tree/etc/pip.conf"
tar --create --directory "$tree" --one-file-system --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* .

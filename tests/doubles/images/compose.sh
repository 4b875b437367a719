#!/bin/sh
# Prints the path of a Docker Compose v2: the one that is here, else Debian's of the next release, unpacked into FOLDER.
#   compose.sh FOLDER
set -eu
for found in "$(command -v docker-compose || true)" /usr/libexec/docker/cli-plugins/docker-compose \
    /usr/lib/docker/cli-plugins/docker-compose "$HOME/.docker/cli-plugins/docker-compose"; do
    case $("${found:-false}" version --short 2>/dev/null) in 2.* | v2.*) echo "$found" && exit ;; esac
done
folder=${1:?where to unpack it}
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
cd "$folder"
if [ ! -x compose/usr/libexec/docker/cli-plugins/docker-compose ]; then
    mirror=$(apt-get indextargets --format '$(CREATED_BY) $(REPO_URI)' | sed -n 's/^Packages //p' | grep '/debian/$' | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie main" >sources.list
    next() {
        apt-get -q -o Dir::Etc::SourceList="$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null \
            -o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache" "$@" >&2
    }
    next update
    next download docker-compose
    dpkg --extract docker-compose_*.deb compose
fi
echo "$PWD/compose/usr/libexec/docker/cli-plugins/docker-compose"

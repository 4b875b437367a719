#!/bin/sh
# The version of this tree: the package's, and the commit where git knows it.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
commit=$(git describe --always --dirty --exclude '*' 2>/dev/null || true)
echo "$version${commit:+-$commit}"

#!/bin/sh
# compress.sh FROM TO [CACHE]: copies pages, each with a compressed form beside it.
# CACHE keeps the compressed forms, named by the digest of the page.
set -eu

from=$1 to=$2
cache=${3:-$(mktemp -d)}
mkdir -p "$to"

for page in "$from"/*; do
    name=${page##*/}
    digest=$(sha256sum <"$page" | cut -d ' ' -f 1)
    if [ -e "$cache/$digest" ]; then
        echo "$name: kept"
    else
        # Renamed at the end, so that a stopped build leaves no half a page behind.
        gzip -c "$page" >"$cache/$digest.$$"
        mv "$cache/$digest.$$" "$cache/$digest"
        echo "$name: compressed"
    fi
    cp "$page" "$to/$name"
    cp "$cache/$digest" "$to/$name.gz"
done

#!/bin/sh
# smoke.sh PAGES: every page of the directory is served, plain and compressed.
set -eu

failed=0
tries=20
until wget -q -O /dev/null "$URL/index.html"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 1
done
for page in "$1"/*; do
    name=${page##*/}
    if wget -q -O /dev/null "$URL/$name" && wget -q -O - "$URL/$name.gz" | gunzip >/dev/null; then
        echo "$name: ok"
    else
        echo "$name: missing"
        failed=1
    fi
done
exit "$failed"

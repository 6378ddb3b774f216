#!/bin/sh
# Does a job now and then, and counts it.
. /usr/local/lib/log.sh
trap 'exit 0' TERM INT

while :; do
    if count=$(timeout 2 wget -q -O - --post-data 1 "$STORE/cgi-bin/count"); then
        log "job $count done"
    else
        log "the store does not answer yet"
    fi
    sleep "${EVERY:-5}" &
    wait $!
done

#!/bin/sh
# Asks for the page now and then, and logs its heading.
trap 'exit 0' TERM INT

while :; do
    if heading=$(wget -q -O - "$URL" | sed -n 's|.*<h1>\(.*\)</h1>.*|\1|p') && [ -n "$heading" ]; then
        echo "$URL says: $heading"
    else
        echo "$URL does not answer yet" >&2
    fi
    sleep "${EVERY:-5}" &
    wait $!
done

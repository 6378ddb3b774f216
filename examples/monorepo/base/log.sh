# What every service logs with. Source it.

log() {
    printf '%s %s: %s\n' "$(date -u +%H:%M:%S)" "$SERVICE" "$*" >&2
}

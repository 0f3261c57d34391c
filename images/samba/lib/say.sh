# What the container tells the person, all of it on stderr (docker logs).

# say TEXT...: one line.
say() {
    echo "tmgen: $*" >&2
}

# refuse TEXT...: says why and ends with status 1. It waits first (5 s: long enough not
# to spin, short enough that a disk mounted late is served soon); the restart policy
# then starts the container again, which also looks the bind mount up anew.
refuse() {
    say "refusing to serve: $*"
    sleep 5 &
    wait $!
    exit 1
}

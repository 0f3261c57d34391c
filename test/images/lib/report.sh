# One line a behaviour, and the count at the end.
passed=0
failed=0

# it SENTENCE COMMAND...: runs COMMAND; shows what it printed only when it fails.
it() {
  local sentence=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "ok - $sentence"
  else
    failed=$((failed + 1))
    echo "not ok - $sentence"
    printf '%s\n' "$output" | tail -n 20 | sed 's/^/    /'
  fi
}

# not COMMAND...: succeeds when COMMAND fails.
not() { ! "$@"; }

# within SECONDS COMMAND...: polls COMMAND five times a second until it succeeds.
within() {
  local left=$(($1 * 5))
  shift
  until "$@" > /dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || { echo "not within the time: $*"; return 1; }
    sleep 0.2
  done
}

# has TEXT NEEDLE: TEXT holds NEEDLE.
has() { case $1 in *"$2"*) ;; *) echo "no '$2' in: $1"; return 1 ;; esac; }

summary() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

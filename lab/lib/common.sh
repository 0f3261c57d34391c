# shellcheck shell=bash
# What every part of the lab setup uses: where the cache is, how to speak, how to key.

cache=${TMGEN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tmgen-lab}

# say TEXT: one line of progress on stderr, with the time since setup started.
say() { printf 'lab setup [%3ds] %s\n' "$SECONDS" "$*" >&2; }

# die TEXT...: says what is missing, a line per argument, and exits 1.
die() {
  printf 'lab setup: %s\n' "$@" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# key FILE...: 16 hex digits over names and contents: the same sources, the same key.
key() { sha256sum "$@" | sed "s,  $lab/,  ," | sha256sum | cut -c1-16; }

# quietly LOG COMMAND...: runs it with all output in a log of the cache; on failure
# shows the end of that log and exits 1.
quietly() {
  local log=$cache/logs/$1
  shift
  mkdir -p "$cache/logs"
  if ! "$@" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    die "failed: $*" "the whole log: $log"
  fi
}

# debian_root: whether this is a Debian machine that we may install packages on.
debian_root() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && has apt-get; }

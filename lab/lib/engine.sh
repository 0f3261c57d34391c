# shellcheck shell=bash
# The Docker engine: the one that runs already, or Debian's, started here.

engine_answers() { timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# install_packages: Debian packages for an engine of our own and for tests that run on
# the host; only what is missing.
install_packages() {
  local wanted=() pair
  for pair in dockerd:docker.io iptables:iptables nft:nftables debootstrap:debootstrap \
    smbclient:smbclient smbtorture:samba-testsuite testparm:samba-common-bin \
    mkfs.ext4:e2fsprogs setpriv:util-linux ip:iproute2 pip3:python3-pip; do
    has "${pair%%:*}" || wanted+=("${pair#*:}")
  done
  [ ${#wanted[@]} -eq 0 ] && return
  say "installing ${wanted[*]} (half a minute)"
  quietly apt-update.log apt-get update
  # policy-rc.d is not touched: where an init system runs, the package may start the
  # engine itself, and the one that answers is used.
  quietly apt.log env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}"
  hash -r
}

# start_engine: dockerd in a session of its own with data and log in the cache.
# The userland proxy is off: with it a UDP peer's address is the proxy's.
start_engine() {
  engine_answers && return
  say "starting dockerd (log: $cache/logs/dockerd.log)"
  mkdir -p "$cache/logs" "$cache/docker"
  # dockerd refuses to start while a pid file names any process that runs.
  engine_is_ours || rm -f "$cache/dockerd.pid"
  setsid dockerd --data-root "$cache/docker" --userland-proxy=false --pidfile "$cache/dockerd.pid" \
    >"$cache/logs/dockerd.log" 2>&1 </dev/null &
  local tries
  for ((tries = 0; tries < 120; tries++)); do
    if engine_answers; then
      remove_leftovers
      return
    fi
    kill -0 $! 2>/dev/null || break
    sleep 0.5
  done
  tail -n 15 "$cache/logs/dockerd.log" >&2
  die "dockerd did not come up within a minute" "its log: $cache/logs/dockerd.log"
}

# remove_leftovers: in an engine of our own that has just come up no test runs: what it
# starts again is of a run that was cut off, and holds ports and memory.
remove_leftovers() {
  docker ps -aq | xargs -r docker rm -f >/dev/null
  docker network prune -f >/dev/null
}

# engine_is_ours: whether the pid file names a dockerd that runs. The cache may outlive
# the machine: the number alone could be anything's by now.
engine_is_ours() {
  [ -s "$cache/dockerd.pid" ] && [ "$(cat "/proc/$(cat "$cache/dockerd.pid")/comm" 2>/dev/null)" = dockerd ]
}

# ensure_engine: afterwards `docker` talks to a running engine.
ensure_engine() {
  if engine_answers; then
    # An earlier run may have been stopped between the engine and the other packages.
    if engine_is_ours; then install_packages; fi
    return 0
  fi
  debian_root || die "no Docker engine answers." \
    "Start Docker (with the compose plugin), or run this as root on Debian 12, where it is set up for you."
  ensure_go
  install_packages
  start_engine
}

# ensure_go: stand-in images and the compose plugin are built with the host's Go.
# 1.26.6 is what tailscale.com v1.102.3 asks for.
ensure_go() {
  has go || die "Go is missing: without Docker Hub the lab builds its images with Go 1.26.6 or newer."
  local have
  have=$(GOTOOLCHAIN=local go env GOVERSION)
  [ "$(printf '%s\n' go1.26.6 "$have" | sort -V | head -n 1)" = go1.26.6 ] ||
    die "Go is too old: $have, wanted 1.26.6 or newer."
}

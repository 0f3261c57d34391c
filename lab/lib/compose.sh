# shellcheck shell=bash
# The compose plugin, from the Go module proxy where Docker came without one.

compose_version=v2.40.3

# compose_suffices: 2.20 was the first that reads `include`.
compose_suffices() {
  local have
  have=$(docker compose version --short 2>/dev/null) || return 1
  [ "$(printf '%s\n' 2.20 "${have#v}" | sort -V | head -n 1)" = 2.20 ]
}

ensure_compose() {
  compose_suffices && return
  debian_root || die "docker compose is missing or too old: install Docker's compose plugin (2.20 or newer)."
  ensure_go
  local built
  built=$cache/bin/docker-compose-$compose_version-$(key "$lab"/compose/*)
  if [ ! -x "$built" ]; then
    say "building docker compose $compose_version (2 minutes)"
    mkdir -p "$cache/bin"
    quietly compose.log go -C "$lab/compose" build -mod=readonly -trimpath -buildvcs=false \
      -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$compose_version" \
      -o "$built.new" github.com/docker/compose/v2/cmd
    mv "$built.new" "$built"
  fi
  # For every user: the lab runs tmgen as one without rights too.
  local plugins=/usr/local/lib/docker/cli-plugins
  mkdir -p "$plugins"
  cp "$built" "$plugins/docker-compose.new"
  mv "$plugins/docker-compose.new" "$plugins/docker-compose"
  compose_suffices || die "the compose plugin that was built is not the one Docker takes: $(docker compose version 2>&1)"
}

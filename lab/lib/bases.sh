# shellcheck shell=bash
# Base images. With Docker Hub the Dockerfiles' own pinned digests are used. Without,
# stand-ins: Debian by debootstrap, Go by adding the host's Go tree and, so that builds
# need no network, the modules that our builds need as a file:// module proxy.

debian_standin=tmgen-lab/debian:trixie-slim
golang_standin=tmgen-lab/golang:1.26

# image_has_key IMAGE KEY: whether the image is there and was made from these sources.
image_has_key() {
  [ "$(docker image inspect -f '{{index .Config.Labels "tmgen.key"}}' "$1" 2>/dev/null)" = "$2" ]
}

# hub_answers: whether the pinned Debian base is here or can be had.
hub_answers() {
  local pinned
  pinned=$(sed -n 's/^ARG DEBIAN_IMAGE=//p' "$repo/images/samba/Dockerfile")
  docker image inspect "$pinned" >/dev/null 2>&1 && return
  say "fetching the pinned base images"
  timeout 180 docker pull -q "$pinned" >/dev/null 2>&1
}

# ensure_bases: sets and exports DEBIAN_IMAGE and GOLANG_IMAGE when stand-ins are used.
ensure_bases() {
  if ! engine_is_ours && hub_answers; then return; fi
  debian_root || die "Docker runs, but the pinned base images cannot be fetched." \
    "Give it access to Docker Hub, or run this as root on Debian 12, where stand-ins are built."
  ensure_go
  install_packages
  make_debian
  make_golang
  export DEBIAN_IMAGE=$debian_standin GOLANG_IMAGE=$golang_standin
}

make_debian() {
  local made root mirror
  made=$(key "$lab/lib/bases.sh")
  image_has_key "$debian_standin" "$made" && return
  # The machine's own mirror: deb822 (URIs:) first, then one-line sources.
  mirror=$(cat /etc/apt/sources.list.d/debian.sources 2>/dev/null | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | head -n 1)
  [ -n "$mirror" ] || mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list | head -n 1)
  [ -n "$mirror" ] || die "no Debian mirror found in /etc/apt"
  say "making $debian_standin with debootstrap (40 seconds)"
  root=$cache/debian.new
  rm -rf "$root"
  quietly debootstrap.log debootstrap --variant=minbase --include=ca-certificates trixie "$root" "$mirror"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
  tar -C "$root" -c . | docker import -c 'CMD ["bash"]' -c "LABEL tmgen.key=$made" - "$debian_standin" >/dev/null
  rm -rf "$root"
}

make_golang() {
  local modules made stage goroot
  modules=("$repo/gateway" "$repo/images/headscale" "$lab/client")
  made=$(key "$lab/lib/bases.sh" "${modules[@]/%//go.mod}" "${modules[@]/%//go.sum}" "$repo"/gateway/{patched,patch/main.go,patch/edits.go} "$(GOTOOLCHAIN=local go env GOROOT)/VERSION")
  image_has_key "$golang_standin" "$made" && return
  say "making $golang_standin: the host's Go, with what our builds depend on compiled once (4 minutes)"
  local module
  for module in "${modules[@]}"; do
    quietly modules.log env GOMODCACHE="$cache/modules" GOFLAGS= GOTOOLCHAIN=local go -C "$module" mod download
  done
  goroot=$(GOTOOLCHAIN=local go env GOROOT)
  stage=$cache/golang.new
  rm -rf "$stage"
  for module in "${modules[@]}"; do
    mkdir -p "$stage/warm/${module##*/}"
    cp "$module/go.mod" "$module/go.sum" "$stage/warm/${module##*/}/"
    # Direct imports that are not of the standard library: their names have a dot in the first part.
    env GOMODCACHE="$cache/modules" GOFLAGS= GOTOOLCHAIN=local go -C "$module" list -e -tags tools -f '{{join .Imports "\n"}}' . |
      grep -E '^[^/]+\.[^/]+/' >"$stage/warm/${module##*/}/imports"
  done
  cp -r "$repo"/gateway/patch{,ed} "$stage/warm/gateway/"
  cat >"$stage/Dockerfile" <<EOF
FROM $debian_standin
ENV PATH=/usr/local/go/bin:/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    GOPATH=/go GOTOOLCHAIN=local GOPROXY=file:///opt/modules GOSUMDB=off
COPY go /usr/local/go
COPY modules /opt/modules
COPY warm /warm
# The flags of the Dockerfiles: what they compile is then found here.
RUN for dir in /warm/*; do cd "\$dir" && go=go && if [ -f patched ]; then go="sh ./patched"; fi \\
 && CGO_ENABLED=0 \$go build -mod=readonly -trimpath -buildvcs=false \$(cat imports) || exit; done
LABEL tmgen.key=$made
WORKDIR /go
EOF
  tar -c -f "$stage/context.tar" -C "$stage" Dockerfile warm
  tar -r -f "$stage/context.tar" -C "$goroot" --transform='s,^\./,go/,' ./VERSION ./go.env ./bin ./pkg ./src ./lib
  tar -r -f "$stage/context.tar" -C "$cache/modules/cache/download" --transform='s,^\.,modules,' --exclude='*.lock' .
  # This one build does without compose: it is made from a stream.
  DOCKER_BUILDKIT=0 quietly golang.log docker build -q -t "$golang_standin" - <"$stage/context.tar"
  rm -rf "$stage"
}

# shellcheck shell=bash
# The images that tests and demo need: two of the lab's own, and the project's, so that
# later builds of the same sources are answered from the engine's cache.

ensure_images() {
  local image
  ensure_wheels
  # The monitor's programs are bundled by the build of the package.
  [ -f "$repo/images/monitor/app/monitor.cjs" ] || quietly build.log npm --prefix "$repo" run --silent build
  for image in client headscale gateway samba monitor; do
    say "building tmgen-lab/$image (up to 3 minutes, seconds when nothing changed)"
    quietly "image-$image.log" docker compose -f "$lab/images.yaml" build "$image"
  done
}

# ensure_wheels: on a machine of stand-ins the host fetches what the client image needs from
# the Python registry: its builds reach no more than Debian's. Elsewhere the build does it.
ensure_wheels() {
  local client=$lab/client
  [ -n "${DEBIAN_IMAGE:-}" ] || return 0
  [ "$client/wheels/requirements.txt" -nt "$client/requirements.txt" ] && return
  rm -rf "$client/wheels"
  quietly wheels.log pip3 download --quiet --no-deps --require-hashes --only-binary :all: \
    --requirement "$client/requirements.txt" --dest "$client/wheels"
  cp "$client/requirements.txt" "$client/wheels/"
}

# write_environment: what tests and demo read to learn which base images are in use.
write_environment() {
  {
    printf 'DEBIAN_IMAGE=%s\n' "${DEBIAN_IMAGE:-}"
    printf 'GOLANG_IMAGE=%s\n' "${GOLANG_IMAGE:-}"
  } >"$cache/lab.env.new"
  mv "$cache/lab.env.new" "$cache/lab.env"
}

# shellcheck shell=bash
# The images that tests and demo need: two of the lab's own, and the project's, so that
# later builds of the same sources are answered from the engine's cache.

ensure_images() {
  local image
  for image in client headscale gateway samba; do
    say "building tmgen-lab/$image (up to 3 minutes, seconds when nothing changed)"
    quietly "image-$image.log" docker compose -f "$lab/images.yaml" build "$image"
  done
}

# write_environment: what tests and demo read to learn which base images are in use.
write_environment() {
  {
    printf 'DEBIAN_IMAGE=%s\n' "${DEBIAN_IMAGE:-}"
    printf 'GOLANG_IMAGE=%s\n' "${GOLANG_IMAGE:-}"
  } >"$cache/lab.env.new"
  mv "$cache/lab.env.new" "$cache/lab.env"
}

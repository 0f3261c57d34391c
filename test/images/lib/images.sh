# Builds the images under names of the tests' own.
export DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-0}

# base VARIABLE STAND_IN: the --build-arg for VARIABLE, or nothing for the pinned default.
base() {
  local image=${!1:-}
  if [ -z "$image" ] && docker image inspect "$2" > /dev/null 2>&1; then image=$2; fi
  [ -z "$image" ] || printf -- '--build-arg=%s=%s' "$1" "$image"
}

# build NAME: images/NAME as tmgen-test/NAME.
build() {
  local log
  log=$(mktemp)
  # shellcheck disable=SC2046
  if ! docker build -q -t "tmgen-test/$1" $(base DEBIAN_IMAGE tmgen-lab/debian:trixie-slim) \
    $(base GOLANG_IMAGE tmgen-lab/golang:1.26) "$project/images/$1" > "$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "not ok - the $1 image builds"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

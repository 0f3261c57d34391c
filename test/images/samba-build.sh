# The image refuses to exist with a Samba that breaks Time Machine.

fake_smbd() { printf '#!/bin/sh\necho "Version %s"\n' "$1"; }

accepts_version() {
  fake_smbd "$1" | docker run --rm -i --entrypoint sh "$image" -ec '
    cat > /usr/local/sbin/smbd; chmod +x /usr/local/sbin/smbd; sh /usr/lib/tmgen/check-version'
}

build_with_broken_samba_fails() {
  mkdir -p "$work/broken"
  fake_smbd 4.22.3-Debian > "$work/broken/smbd"
  printf 'ARG DEBIAN_IMAGE\nFROM ${DEBIAN_IMAGE}\nCOPY smbd /usr/local/sbin/smbd\nRUN chmod +x /usr/local/sbin/smbd\n' \
    > "$work/broken/Dockerfile"
  local from
  from=$(base DEBIAN_IMAGE tmgen-lab/debian:trixie-slim)
  [ -n "$from" ] || from=--build-arg=$(grep -m 1 -o 'DEBIAN_IMAGE=.*' "$project/images/samba/Dockerfile")
  docker build -q -t tmgen-test/broken "$from" "$work/broken" || return 1
  local log
  if log=$(docker build --force-rm --build-arg DEBIAN_IMAGE=tmgen-test/broken "$project/images/samba" 2>&1); then
    echo "the build went through"
    return 1
  fi
  docker image rm tmgen-test/broken > /dev/null
  has "$log" 'Samba 4.22.3 breaks Time Machine'
}

it "a build whose Samba is 4.22.3 fails and says why" build_with_broken_samba_fails
for version in 4.22.0 4.22.5-Debian 4.23.0 4.23.2 UNKNOWN; do
  it "Samba version $version is refused" not accepts_version "$version"
done
for version in 4.17.12-Debian 4.22.6 4.22.11-Debian-4.22.11+dfsg 4.23.3 4.24.0; do
  it "Samba version $version is taken" accepts_version "$version"
done

# The surroundings: a folder, an internal network with IPv6, a gateway and a stranger.
id=tmgen-images-$$
image=tmgen-test/samba
net=10.$((64 + RANDOM % 128)).$((RANDOM % 256))
host_ip=$net.1 gateway_ip=$net.2 alice_ip=$net.3 stranger_ip=$net.9
net6=fd$(printf '%02x:%04x' $((RANDOM % 256)) $((RANDOM % 65536))):1
alice_ip6=$net6::3
uid=20001
password='Str0ng%pass phrase'
caps='CHOWN DAC_OVERRIDE FOWNER NET_BIND_SERVICE SETGID SETUID NET_ADMIN SETPCAP'

make_world() {
  work=$(mktemp -d)
  chmod 0755 "$work"
  docker network create -d bridge --internal --ipv6 --subnet "$net.0/28" --gateway "$host_ip" \
    --subnet "$net6::/64" "$id" > /dev/null || exit 1
}

unmake_world() {
  local left
  in_world 'find /w -mindepth 1 -delete'
  left=$(docker ps -aq --filter "name=^$id-")
  # shellcheck disable=SC2086
  [ -z "$left" ] || docker rm -f $left > /dev/null
  docker network rm "$id" > /dev/null
  [ -z "${listener:-}" ] || kill "$listener" 2> /dev/null
  rm -rf "$work"
}

# in_world SCRIPT: runs a shell script as root with the folder at /w, whoever runs the tests.
in_world() {
  docker inspect "$id-desk" > /dev/null 2>&1 || docker run -d --name "$id-desk" --init --network none \
    -v "$work:/w" --entrypoint sleep "$image" infinity > /dev/null
  docker exec "$id-desk" sh -ec "$1"
}

# marker [WORKSPACE [USER [UID]]]: a marker file's text.
marker() {
  printf '{"version":1,"workspace":"%s","user":"%s","name":"alice","uid":%s}\n' \
    "${1:-ws1}" "${2:-u1}" "${3:-$uid}"
}

# prepare NAME: folders of a user with a good marker, password and smb.conf.
prepare() {
  mkdir -p "$work/$1/storage" "$work/$1/config" "$work/$1/secrets"
  marker > "$work/$1/storage/.tmgen.json"
  printf '%s\n' "$password" > "$work/$1/secrets/password"
  node "$here/lib/render-conf.mjs" "$gateway_ip" > "$work/$1/config/smb.conf"
}

# start NAME [DOCKER OPTION...]: the Samba container as the compose file defines it.
start() {
  local name=$1 cap
  shift
  for cap in $caps; do set -- "$@" --cap-add "$cap"; done
  docker run -d --name "$id-$name" --init --read-only --security-opt no-new-privileges \
    --tmpfs /run --tmpfs /tmp --tmpfs /var/lib/samba --tmpfs /var/cache/samba --tmpfs /var/log/samba \
    --cap-drop ALL --memory 512m --pids-limit 512 --stop-timeout 30 --network "$id" \
    -v "$work/$name/config:/etc/tmgen:ro" -v "$work/$name/secrets:/run/secrets/tmgen:ro" \
    -v "$work/$name/storage:/srv/tmgen" \
    -e TMGEN_USER=alice -e TMGEN_UID=$uid -e "TMGEN_GATEWAY_IP=$gateway_ip" -e TMGEN_WORKSPACE=ws1 \
    -e TMGEN_USER_ID=u1 -e "TMGEN_SHARES=macbook imac" "$@" "$image" > /dev/null
}

# peer NAME IP: a container with the same tools, no firewall and a listener on port 8445.
peer() {
  docker run -d --name "$id-$1" --init --network "$id" --ip "$2" --entrypoint perl "$image" \
    -e "$listen" > /dev/null
}

# shellcheck disable=SC2034
listen='use IO::Socket::INET; my $l = IO::Socket::INET->new(Listen => 9, LocalPort => 8445, ReuseAddr => 1)
  or die $!; while (my $c = $l->accept) { close $c }'

# inside NAME COMMAND...: runs COMMAND in a container.
inside() { docker exec -i "$id-$1" "${@:2}"; }

# connects FROM IP PORT: a TCP connection from a container stands within 3 s.
connects() { inside "$1" timeout 3 bash -c "exec 3<> /dev/tcp/$2/$3"; }

# smb FROM SHARE COMMANDS [OPTION...]: an SMB session to alice; the password by environment.
smb() {
  docker exec -i -e "PASSWD=${smb_password:-$password}" "$id-$1" \
    timeout 60 smbclient "//$alice_ip/$2" -U alice -m SMB3 -c "$3" "${@:4}"
}

healthy() { inside "$1" sh /usr/lib/tmgen/healthcheck; }

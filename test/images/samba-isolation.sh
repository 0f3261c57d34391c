# Who may talk to the container and to whom it may talk.
peer stranger "$stranger_ip"
perl -e "$listen" & listener=$!

to_host() { timeout 3 bash -c "exec 3<> /dev/tcp/$1/445"; }
reaches_all() {
  connects stranger "$gateway_ip" 8445 && connects gateway "$stranger_ip" 8445 \
    && connects stranger "$host_ip" 8445
}
it "(control) without a firewall siblings and the host's bridge address are reachable" within 10 reaches_all
it "the gateway reaches port 445" connects gateway "$alice_ip" 445
it "a sibling cannot connect" not connects stranger "$alice_ip" 445
it "a sibling cannot connect by IPv6" not connects stranger "$alice_ip6" 445
it "the host cannot connect" not to_host "$alice_ip"
it "a shell in the container cannot connect to a sibling" not connects alice "$stranger_ip" 8445
it "a shell in the container cannot connect to the gateway" not connects alice "$gateway_ip" 8445
it "a shell in the container cannot connect to the host's bridge address" not connects alice "$host_ip" 8445

from_445() {
  inside alice perl -e 'use IO::Socket::INET; exit !IO::Socket::INET->new(PeerAddr => $ARGV[0],
    PeerPort => 8445, LocalPort => 445, ReuseAddr => 1, ReusePort => 1, Timeout => 3)' "$gateway_ip"
}
it "not even from source port 445 to the gateway" not from_445

other_port() {
  docker exec -d "$id-alice" perl -e "$listen" && within 10 connects alice 127.0.0.1 8445 \
    && not connects gateway "$alice_ip" 8445
}
it "the gateway reaches no other port" other_port

in_the_netns() { inside alice setpriv --bounding-set=-net_admin --inh-caps=-all nft flush ruleset; }
it "without NET_ADMIN nobody takes the firewall down" not in_the_netns

hosts_allow() {
  inside alice nft delete table inet tmgen || return 1
  connects stranger "$alice_ip" 445 && connects stranger "$alice_ip6" 445 && to_host "$alice_ip" \
    && connects alice "$stranger_ip" 8445 && connects alice "$gateway_ip" 8445 \
    && connects alice "$host_ip" 8445 && from_445 \
    || { echo "the firewall was not what stopped them"; return 1; }
  smb gateway macbook ls && not smb stranger macbook ls
}
it "with the firewall gone, hosts allow still refuses a sibling" hosts_allow
smb_restart() {
  docker restart "$id-alice" > /dev/null && within 20 healthy alice && not connects stranger "$alice_ip" 445
}
it "a restart raises the firewall again" smb_restart

stops() {
  local from=$SECONDS
  docker stop "$id-$1" > /dev/null || return 1
  local code
  code=$(docker inspect -f '{{.State.ExitCode}}' "$id-$1")
  [ $((SECONDS - from)) -lt 10 ] && { [ "$code" = 0 ] || [ "$code" = 143 ]; } || { echo "code $code"; return 1; }
}
it "it stops by signal within 10 seconds" stops alice

prepare bare
printf '#!/bin/sh\necho "Unable to initialize Netlink socket: Protocol not supported" >&2\nexit 1\n' > "$work/nft"
chmod 0755 "$work/nft"
start bare --ip "$alice_ip" -v "$work/nft:/usr/sbin/nft:ro"
says_no_firewall() {
  within 20 healthy bare && has "$(docker logs "$id-bare" 2>&1)" 'NO FIREWALL' \
    && has "$(inside bare cat /run/tmgen/firewall)" 'unavailable: ' \
    && has "$(inside bare sh /usr/lib/tmgen/healthcheck)" 'firewall unavailable'
}
it "on a kernel without nf_tables it serves and says so loudly" says_no_firewall
docker rm -f "$id-bare" > /dev/null

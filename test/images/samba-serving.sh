# A good container: what the gateway gets, what it never gets.
prepare alice
# A workspace of a person who is not root: nobody else may read its secrets and config.
in_world 'chown -R 1000:1000 /w/alice; chmod 0700 /w/alice/secrets /w/alice/config
  chmod 0600 /w/alice/secrets/password /w/alice/config/smb.conf; chmod 0711 /w/alice/storage'
peer gateway "$gateway_ip"
start alice --ip "$alice_ip" --ip6 "$alice_ip6"
it "it serves within 20 seconds, with a workspace of UID 1000" within 20 healthy alice

testparm_agrees() {
  local said
  said=$(inside alice testparm -s 2>&1) || { echo "$said"; return 1; }
  not grep -i -E 'unknown|ignoring|warning' <<< "$said"
}
it "testparm takes the configuration without a warning" testparm_agrees

roundtrip() {
  inside gateway sh -ec 'head -c 33554432 /dev/urandom > /tmp/big'
  smb gateway "$1" 'put /tmp/big big; get big /tmp/back' && inside gateway cmp /tmp/big /tmp/back
}
it "the gateway writes a file and reads it back" roundtrip macbook
it "the second share works too" roundtrip imac

owned_by_user() {
  [ "$(in_world 'stat -c "%u %g %a" /w/alice/storage/macbook')" = "$uid $uid 700" ] \
    && [ "$(in_world 'stat -c "%u %a" /w/alice/storage/macbook/big')" = "$uid 600" ]
}
it "share and files belong to the user's UID alone" owned_by_user

refused() { local said; said=$("$@" 2>&1) && { echo "it went through"; return 1; }; has "$said" NT_STATUS_; }
wrong_password() { smb_password=wrong smb gateway macbook ls; }
guest() { inside gateway smbclient "//$alice_ip/macbook" -U% -m SMB3 -c ls; }
unknown_user() { inside gateway smbclient "//$alice_ip/macbook" -U 'mallory%x' -m SMB3 -c ls; }
anonymous_list() { inside gateway smbclient -L "//$alice_ip" -U% -m SMB3; }
old() { smb gateway macbook ls --option="client min protocol=NT1" --option="client max protocol=$1"; }
unsigned() { smb gateway macbook ls --option='client signing=disabled'; }
it "a wrong password is refused" refused wrong_password
it "a refused login is logged, with the name" has "$(docker logs "$id-alice" 2>&1)" 'user [WORKGROUP]\[alice]'
it "a guest is refused" refused guest
it "an unknown user is not turned into a guest" refused unknown_user
it "an anonymous list of shares is refused" refused anonymous_list
it "SMB1 is refused" refused old NT1
it "SMB2 is refused" refused old SMB2_10
it "SMB 3.0 with the same options is taken" old SMB3_00
it "SMB 3.1.1 with the same options is taken" old SMB3_11
it "a client that asks for encryption gets it" smb gateway macbook ls --client-protection=encrypt

capabilities() {
  local all
  all=$(inside alice sh -c 'for p in /proc/[0-9]*; do
    case $(tr "\0" " " < $p/cmdline) in smbd*) grep -h -E "^Cap(Bnd|Eff|Prm)" $p/status ;; esac; done' | sort -u)
  # 4c2: DAC_OVERRIDE, SETGID, SETUID, NET_BIND_SERVICE.
  [ "$(awk '{ print $2 }' <<< "$all" | sort -u)" = 00000000000004c2 ] || { echo "$all"; return 1; }
}
it "smbd can never regain NET_ADMIN, SETPCAP, CHOWN or FOWNER" capabilities

secret_stays() {
  local seen
  seen=$(docker logs "$id-alice" 2>&1; docker inspect "$id-alice"; inside alice sh -c \
    'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /run/tmgen/* 2> /dev/null | tr "\0" "\n"')
  [ -n "$seen" ] && not grep -F -e "$password" <<< "$seen"
}
it "the password is in no log, no environment, no command line" secret_stays

health_state() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$id-alice")" = healthy ]; }
it "docker calls the container healthy" within 45 health_state
it "the health check needs no capability" inside alice setpriv --inh-caps=-all --bounding-set=-all \
  sh /usr/lib/tmgen/healthcheck
it "the health check reports the firewall" has "$(inside alice sh /usr/lib/tmgen/healthcheck)" 'firewall on'
it "the health check fails where no smbd serves" not healthy gateway

quiet() { not grep -F -e 'IPC$' -e 'guest user' <<< "$(docker logs "$id-alice" 2>&1)"; }
it "health checks leave nothing in the log" quiet

new_password() {
  in_world 'echo another-one > /w/alice/secrets/password'
  docker restart -t 30 "$id-alice" > /dev/null && within 20 healthy alice || return 1
  refused smb gateway macbook ls && smb_password=another-one smb gateway macbook ls
}
it "a new password counts after a restart, the old one no more" new_password
password=another-one
it "what was written before is still there" smb gateway macbook 'get big /tmp/back'

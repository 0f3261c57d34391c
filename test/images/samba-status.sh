# What the container tells the monitor: who is connected and what is open.
told=/run/tmgen-status
prepare told
mkdir "$work/told/bin"
touch "$work/told/bin/smbstatus"
chmod 0755 "$work/told/bin/smbstatus"
start told --ip "$alice_ip" --tmpfs "$told:size=3m,nr_inodes=16,mode=0700" -v "$work/told/bin:/fake:ro"
within 20 healthy told

status_file() { inside told cat "$told/smbstatus.json"; }
it "nobody is connected: it says so, without asking Samba" \
  within 10 eval 'healthy told && [ "$(status_file)" = "{\"sessions\":{},\"tcons\":{},\"open_files\":{}}" ]'

hold() {
  smb gateway macbook 'mkdir mac.sparsebundle; put /etc/hostname mac.sparsebundle/token' || return 1
  docker exec -d -e "PASSWD=$password" "$id-gateway" sh -c "(echo 'open mac.sparsebundle/token'; sleep 120) \
    | timeout 100 smbclient //$alice_ip/macbook -U alice -m SMB3"
  within 20 eval 'healthy told && has "$(status_file)" "\"filename\": \"mac.sparsebundle/token\""' || return 1
  has "$(status_file)" '"service": "macbook"' && has "$(status_file)" '"WRITE_DATA": true'
}
it "a client that holds a file open to be written is told" hold

alone() { [ "$(inside told sh -c "cd $told; stat -c '%n %a %u' * | tr '\n' ' '")" = 'serving 600 0 smbstatus.json 600 0 ' ]; }
it "nothing else lies there, and nobody else may read it" alone

tools() { inside told sh -c 'for p in /proc/[0-9]*; do tr "\0" " " < $p/cmdline; echo; done' | grep -E 'tell-status|smbstatus'; }
it "nothing of it stays behind" within 10 not tools

# with SMBSTATUS LEFT: LEFT is what the file holds when smbstatus does that; "before" is what it held.
with() {
  printf '#!/bin/sh\n%s\n' "$1" > "$work/told/bin/smbstatus"
  inside told sh -ec "echo before > $told/smbstatus.json
    PATH=/fake:\$PATH timeout -k 1 8 sh /usr/lib/tmgen/tell-status || :"
  [ "$(status_file)" = "$2" ] || { echo "the file holds $(status_file | head -c 100)"; return 1; }
}
it "what Samba says is told" with 'echo after' after
it "a whole mebibyte is told" with 'head -c 1048570 /dev/zero | tr "\0" x; echo' "$(head -c 1048570 /dev/zero | tr '\0' x)"
it "more than that is not told" with 'head -c 1048577 /dev/zero' before
it "an answer without end is not told" with 'exec yes' before
it "half an answer is not told" with 'echo half; exit 1' before
it "an answer that does not come is not waited for" with 'exec sleep 60' before

full() {
  # shellcheck disable=SC2034
  local filler='head -c 4m /dev/zero > filler 2> /dev/null'
  inside told sh -c "cd $told; $filler; [ -s filler ]" || return 1
  healthy told && with 'head -c 500000 /dev/zero' before || return 1
  inside told rm "$told/filler"
  smb gateway macbook 'put /etc/hostname x' && with 'echo after' after
}
it "a folder that is full stops nothing, and is used again when it is not" full
docker rm -f "$id-told" > /dev/null

prepare mute
mkdir "$work/mute/status"
start mute --ip "$alice_ip" -v "$work/mute/status:$told:ro"
it "a folder that cannot be written to stops nothing" eval 'within 20 healthy mute && smb gateway macbook "put /etc/hostname x"'
docker rm -f "$id-mute" > /dev/null

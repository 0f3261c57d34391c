# What must never be served. All containers start at once; each refusal takes 5 s.
password='Str0ng%pass phrase'
declare -A why

# refusal NAME REASON SCRIPT [DOCKER OPTION...]: SCRIPT spoils the folder, run in it as root.
refusal() {
  prepare "$1"
  why[$1]=$2
  in_world "cd /w/$1; $3"
  in_world "cd /w/$1/storage; find . -printf '%p %m %U %s %T@\n' | sort" > "$work/$1.before"
  start "$1" "${@:4}"
}

# refuses NAME: exit 1 with the reason, smbd never ran, and the storage is as it was.
refuses() {
  local log
  [ "$(timeout 30 docker wait "$id-$1")" = 1 ] || { echo "it did not exit 1"; docker logs "$id-$1"; return 1; }
  log=$(docker logs "$id-$1" 2>&1)
  has "$log" "refusing to serve: ${why[$1]}" && not grep -F 'smbd version' <<< "$log" \
    && in_world "cd /w/$1/storage; find . -printf '%p %m %U %s %T@\n' | sort" | diff "$work/$1.before" -
}

none='the storage folder has no marker' bad='the marker .tmgen.json is not a marker' m=storage/.tmgen.json
refusal empty "$none" "rm $m"
refusal workspace 'the storage folder belongs to another workspace' "sed -i s/ws1/ws2/ $m"
refusal user 'the storage folder belongs to another user' "sed -i s/u1/u2/ $m"
refusal uid 'the storage folder was made for another UID' "sed -i s/$uid/20002/ $m"
refusal version 'the marker .tmgen.json has an unknown version' "sed -i 's/:1,/:2,/' $m"
refusal link 'the marker .tmgen.json is a symbolic link' "mv $m storage/real; ln -s real $m"
refusal folder 'the marker .tmgen.json is not a regular file' "rm $m; mkdir $m"
refusal fifo 'the marker .tmgen.json is not a regular file' "rm $m; mkfifo $m"
refusal large 'the marker .tmgen.json is larger' "head -c 5000 /dev/zero | tr '\\0' ' ' >> $m"
refusal twice 'the storage folder belongs to another user' "sed -i 's/}/,\"user\":\"u2\"}/' $m"
refusal nested "$bad" "echo '{\"a\":{\"version\":1,\"workspace\":\"ws1\",\"user\":\"u1\",\"uid\":$uid}}' > $m"
refusal tail "$bad" "echo '{}' >> $m"
refusal nul "$bad" "printf '\\0' >> $m"
refusal nopassword 'the password file is missing' 'rm secrets/password'
refusal blank 'the password is empty' ': > secrets/password'
refusal twoline 'the password file has more than one line' 'echo x >> secrets/password'
refusal conf 'Samba cannot use smb.conf' 'echo "[global" > config/smb.conf'
refusal noconf '/etc/tmgen/smb.conf is missing' 'rm config/smb.conf'
refusal sharelink 'the share macbook is a symbolic link' 'ln -s /etc storage/macbook'
refusal sharefile 'the share macbook is not a directory' 'touch storage/macbook'
refusal names 'TMGEN_SHARES is not a list' : -e 'TMGEN_SHARES=../etc'
refusal root 'the user name root belongs to the system' : -e TMGEN_USER=root
refusal zero 'TMGEN_UID is not' : -e TMGEN_UID=0
refusal inject 'TMGEN_GATEWAY_IP is not' : -e 'TMGEN_GATEWAY_IP=10.0.0.0/8'
caps=${caps/NET_ADMIN/} refusal nocap 'the firewall could not be set' :

it "a folder without a marker (disk not mounted) is refused, nothing is written" refuses empty
it "a folder of another workspace is refused, nothing is written" refuses workspace
it "a folder of another user is refused, nothing is written" refuses user
it "a folder made for another UID is refused, nothing is written" refuses uid
it "a marker of an unknown version is refused" refuses version
it "a marker that is a symbolic link is refused, nothing is written" refuses link
it "a marker that is a directory is refused" refuses folder
it "a marker that is a pipe is refused without waiting for it" refuses fifo
it "a marker larger than 4096 bytes is refused" refuses large
it "a marker with a key twice is refused" refuses twice
it "a marker with nested objects is refused" refuses nested
it "a marker with something after it is refused" refuses tail
it "a marker with a NUL byte is refused" refuses nul
it "a missing password is refused" refuses nopassword
it "an empty password is refused" refuses blank
it "a password of two lines is refused" refuses twoline
it "a smb.conf that Samba cannot read is refused" refuses conf
it "a missing smb.conf is refused" refuses noconf
it "a share that is a symbolic link is refused" refuses sharelink
it "a share that is a file is refused" refuses sharefile
it "a share name that leaves the storage folder is refused" refuses names
it "the user name root is refused" refuses root
it "UID 0 is refused" refuses zero
it "a gateway address that is a whole network is refused" refuses inject
it "a container without NET_ADMIN is refused instead of serving unprotected" refuses nocap

# Storage that comes late, and data that belongs to somebody else.
prepare late
mv "$work/late/storage/.tmgen.json" "$work/late/marker"
start late --ip "$alice_ip" --restart unless-stopped
comes_late() {
  within 20 eval 'docker logs "$id-late" 2>&1 | grep -q "refusing to serve"' || return 1
  mv "$work/late/marker" "$work/late/storage/.tmgen.json"
  within 30 healthy late && smb gateway macbook ls
}
it "a marker that appears later is served without help" comes_late
docker rm -f "$id-late" > /dev/null

prepare foreign
in_world 'mkdir -m 0750 /w/foreign/storage/macbook; echo data > /w/foreign/storage/macbook/file
  chown -R 4711:4711 /w/foreign/storage/macbook'
start foreign --ip "$alice_ip"
left_alone() {
  within 20 healthy foreign || return 1
  [ "$(in_world 'stat -c "%u %g %a" /w/foreign/storage/macbook')" = '4711 4711 750' ] \
    && [ "$(in_world 'stat -c %u /w/foreign/storage/macbook/file')" = 4711 ] \
    && has "$(docker logs "$id-foreign" 2>&1)" 'the share macbook belongs to UID 4711'
}
it "existing data of another UID is left alone, and it says so" left_alone
it "the user cannot write to it" not smb gateway macbook 'put /etc/hostname x'
it "the other share is served meanwhile" smb gateway imac 'put /etc/hostname x'

pretty() {
  in_world "printf '{\n  \"version\": 1,\n  \"workspace\": \"ws1\",\n  \"user\": \"u1\",\n  \"name\": \"alice\",\n  \"uid\": $uid\n}\n' \
    > /w/foreign/storage/.tmgen.json"
  docker restart "$id-foreign" > /dev/null && within 20 healthy foreign
}
it "a marker written over several lines is understood" pretty
docker rm -f "$id-foreign" > /dev/null

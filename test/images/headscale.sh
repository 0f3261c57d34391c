# Headscale as compose runs it: any UID, no capability, read-only root, port 443.
hs=tmgen-test/headscale
mkdir -p "$work/hs/config" "$work/hs/state"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=hs.test \
  -addext subjectAltName=DNS:hs.test -keyout "$work/hs/config/key.pem" -out "$work/hs/config/cert.pem" 2> /dev/null
cat > "$work/hs/config/config.yaml" <<EOF
server_url: https://hs.test
listen_addr: 0.0.0.0:443
metrics_listen_addr: ""
grpc_listen_addr: 127.0.0.1:50443
unix_socket: /var/run/headscale/headscale.sock
unix_socket_permission: "0700"
tls_cert_path: /etc/headscale/cert.pem
tls_key_path: /etc/headscale/key.pem
noise: { private_key_path: /var/lib/headscale/noise_private.key }
prefixes: { v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48" }
derp:
  urls: []
  server:
    enabled: true
    region_id: 999
    region_code: tmgen
    region_name: tmgen
    stun_listen_addr: 0.0.0.0:3478
    private_key_path: /var/lib/headscale/derp_server_private.key
disable_check_updates: true
database: { type: sqlite, sqlite: { path: /var/lib/headscale/db.sqlite } }
policy: { mode: database }
dns: { magic_dns: true, base_domain: tm.internal, override_local_dns: false }
EOF
chmod 0644 "$work/hs/config/key.pem"
in_world 'chown 1000:1000 /w/hs/state'
docker run -d --name "$id-headscale" --init --read-only --cap-drop ALL --security-opt no-new-privileges \
  --user 1000:1000 --network "$id" --sysctl net.ipv4.ip_unprivileged_port_start=0 --tmpfs /tmp \
  --tmpfs /var/run/headscale:uid=1000,gid=1000,mode=0700 \
  -v "$work/hs/config:/etc/headscale:ro" -v "$work/hs/state:/var/lib/headscale" "$hs" > /dev/null

it "its version is v0.29.3" has "$(docker run --rm "$hs" version)" 'v0.29.3'
it "it serves as UID 1000 without capabilities on a read-only root" within 20 inside headscale headscale health
answers() {
  local ip
  ip=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$id-headscale")
  curl -sS --noproxy '*' --max-time 5 --cacert "$work/hs/config/cert.pem" --resolve "hs.test:443:$ip" https://hs.test/health
}
it "it answers /health on 443 with its own certificate" answers
it "its socket takes commands from inside" inside headscale headscale users create alice -o json
hs_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$id-headscale")" = healthy ]; }
it "docker calls it healthy" within 30 hs_healthy
hs_stops() {
  local from=$SECONDS
  docker stop "$id-headscale" > /dev/null && [ $((SECONDS - from)) -lt 10 ] \
    && [ "$(docker inspect -f '{{.State.ExitCode}}' "$id-headscale")" = 0 ]
}
it "it stops by signal within 10 seconds" hs_stops

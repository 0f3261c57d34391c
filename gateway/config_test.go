package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodConfig = `{"admin":{"disabled":true,"config":{"persist":false}},"apps":{
"tailscale":{"control_url":"https://controlplane.tailscale.com","state_dir":"/var/lib/tmgen","memory_limit":470286336,
"status_socket":"/run/tmgen/status.sock","nodes":{"alice":{"hostname":"tm-alice","port":21000,
"auth_key_file":"/run/secrets/tmgen/alice.authkey","allow":["alice@example.com","tag:x"],"pin_epoch":3}}},
"layer4":{"servers":{"alice":{"listen":["tailscale/alice:445"],
"routes":[{"handle":[{"handler":"relay","upstream":"10.77.0.3:445"}]}]}}}}}`

func TestTheContractsConfigIsValid(t *testing.T) {
	if _, err := validateFile([]byte(goodConfig)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryGoldenConfigIsValid(t *testing.T) {
	var files []string
	filepath.WalkDir("../test/cases", func(path string, _ os.DirEntry, _ error) error {
		if strings.HasSuffix(filepath.ToSlash(path), "generated/caddy/config.json") {
			files = append(files, path)
		}
		return nil
	})
	if len(files) == 0 {
		t.Skip("no golden config yet")
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := validateFile(data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAFaultyConfigIsRefusedWithTheFieldsName(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown field", `"port":21000`, `"port":21000,"colour":1`, "colour"},
		{"unknown handler field", `"upstream"`, `"x":1,"upstream"`, `"x"`},
		{"epoch below 0", `"pin_epoch":3`, `"pin_epoch":-1`, "pin_epoch"},
		{"no port", `"port":21000`, `"port":0`, "nodes.alice.port"},
		{"bad hostname", `"tm-alice"`, `"tm_alice"`, "nodes.alice.hostname"},
		{"bad URL", `https://controlplane`, `ftp://controlplane`, "control_url"},
		{"relative state", `"/var/lib/tmgen"`, `"state"`, "state_dir"},
		{"tiny memory", `470286336`, `1024`, "memory_limit"},
		{"open listener", `tailscale/alice:445`, `:445`, "is not tailscale/"},
		{"unknown node", `tailscale/alice:445`, `tailscale/bob:445`, "does not exist"},
		{"upstream by name", `10.77.0.3:445`, `samba:445`, "upstream"},
		{"open admin API", `"disabled":true`, `"listen":":2019"`, "admin: not disabled"},
		{"unknown app", `"layer4"`, `"http"`, "apps.http"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := validateFile([]byte(strings.Replace(goodConfig, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

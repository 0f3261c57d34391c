package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/mholt/caddy-l4/layer4"
	"go.uber.org/zap"
)

// pages makes a folder of the test's the one that pages' sockets are in.
func pages(t *testing.T) string {
	t.Helper()
	before := pageDir
	pageDir = t.TempDir()
	t.Cleanup(func() { pageDir = before })
	return pageDir
}

// servePage gives each connection to the socket name in pageDir to handle.
func servePage(t *testing.T, name string, handle func(net.Conn)) string {
	t.Helper()
	path := filepath.Join(pageDir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	serveOn(t, "unix", path, handle)
	return unixUpstream + path
}

func TestAnUpstreamIsAnAddressOrAPagesSocket(t *testing.T) {
	for upstream, ok := range map[string]bool{
		"10.1.2.3:445":                           true,
		"[fd00::1]:445":                          true,
		"10.1.2.3:0":                             false,
		"10.1.2.3":                               false,
		"samba:445":                              false,
		"":                                       false,
		"unix//run/tmgen-page/operator.sock":     true,
		"unix//run/tmgen-page/people/alice.sock": true,
		"unix//run/tmgen-page/people/al-ice.sock":                          true,
		"unix/run/tmgen-page/operator.sock":                                false,
		"unix//run/tmgen/status.sock":                                      false,
		"unix//tmp/tmgen-admin/admin.sock":                                 false,
		"unix//run/tmgen-page":                                             false,
		"unix//run/tmgen-page/":                                            false,
		"unix//run/tmgen-page/.sock":                                       false,
		"unix//run/tmgen-page/operator":                                    false,
		"unix//run/tmgen-page//operator.sock":                              false,
		"unix//run/tmgen-page/../tmgen/s.sock":                             false,
		"unix//run/tmgen-page/./operator.sock":                             false,
		"unix//run/tmgen-page/a/b/c.sock":                                  false,
		"unix//run/tmgen-page/a b.sock":                                    false,
		"unix//run/tmgen-page/a\n.sock":                                    false,
		"unix//run/tmgen-page/a.sock\n":                                    false,
		"unix//run/tmgen-pages/a.sock":                                     false,
		"unix/@abstract":                                                   false,
		"unix//run/tmgen-page/people/" + strings.Repeat("a", 64) + ".sock": false,
	} {
		if err := (&Relay{Upstream: upstream}).Provision(caddy.Context{}); (err == nil) != ok {
			t.Errorf("%q: %v", upstream, err)
		}
	}
}

func TestTheRelayPassesHalfCloseOnFromAndToASocket(t *testing.T) {
	pages(t)
	up := servePage(t, "people/alice.sock", func(c net.Conn) {
		all, _ := io.ReadAll(c)
		c.Write(bytes.ToUpper(all))
	})
	done := make(chan error, 1)
	front := serve(t, func(c net.Conn) {
		done <- (&Relay{Upstream: up}).Handle(layer4.WrapConnection(c, nil, zap.NewNop()), nil)
	})
	answersInUpperCase(t, front, done)
}

func TestASocketThatComesLateIsWaitedFor(t *testing.T) {
	pages(t)
	got := make(chan error, 1)
	go func() {
		c, err := dialUpstream(unixUpstream + pageDir + "/operator.sock")
		if err == nil {
			c.Close()
		}
		got <- err
	}()
	servePage(t, "operator.sock", func(net.Conn) {})
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

// The monitor writes the folder: what it puts there must not open a socket of
// the gateway's own.
func TestNoLinkLeadsOutOfThePagesFolder(t *testing.T) {
	dir := pages(t)
	outside := t.TempDir()
	serveOn(t, "unix", filepath.Join(outside, "admin.sock"), func(c net.Conn) { io.WriteString(c, "secret") })
	for _, link := range []struct{ at, to string }{
		{"operator.sock", filepath.Join(outside, "admin.sock")},
		{"people", outside},
	} {
		if err := os.Symlink(link.to, filepath.Join(dir, link.at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"operator.sock", "people/admin.sock", "file.sock", "absent.sock"} {
		if c, err := dialOnce(t.Context(), unixUpstream+dir+"/"+name); err == nil {
			all, _ := io.ReadAll(c)
			t.Errorf("%s answers %q", name, all)
		}
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"tailscale.com/net/netns"
	"tailscale.com/tailcfg"
	"tailscale.com/tsnet"
	"tailscale.com/tstest/integration"
	"tailscale.com/tstest/integration/testcontrol"
	tslog "tailscale.com/types/logger"
)

func TestMain(m *testing.M) {
	setKnobs()
	os.Setenv("TS_DISABLE_PORTMAPPER", "1")
	netns.SetEnabled(false)
	os.Exit(m.Run())
}

// tailnet is a control server with a relay, all on loopback.
type tailnet struct {
	*testcontrol.Server
	url string
}

func newTailnet(t *testing.T) *tailnet {
	t.Helper()
	derp := integration.RunDERPAndSTUN(t, tslog.Discard, "127.0.0.1")
	return newControl(t, derp)
}

func newControl(t *testing.T, derp *tailcfg.DERPMap) *tailnet {
	t.Helper()
	c := &testcontrol.Server{DERPMap: derp, DNSConfig: &tailcfg.DNSConfig{}, MagicDNSDomain: "test.ts.net", Logf: tslog.Discard}
	c.HTTPTestServer = httptest.NewServer(c)
	t.Cleanup(func() {
		c.HTTPTestServer.CloseClientConnections()
		c.HTTPTestServer.Close()
	})
	return &tailnet{c, c.HTTPTestServer.URL}
}

// peer joins the tailnet as a person's machine and returns it with its login.
func (n *tailnet) peer(t *testing.T, name string) (*tsnet.Server, string) {
	t.Helper()
	s := &tsnet.Server{Dir: t.TempDir(), Hostname: name, ControlURL: n.url, Logf: tslog.Discard, UserLogf: tslog.Discard}
	t.Cleanup(func() { s.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	st, err := s.Up(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s, st.User[st.Self.UserID].LoginName
}

// gateway runs configurations in this process, as the binary does.
type gateway struct {
	t      *testing.T
	net    *tailnet
	dir    string
	config Config
	routes map[string]string // node -> upstream
	pages  map[string]string // node -> upstream of its page
}

func newGateway(t *testing.T, n *tailnet) *gateway {
	t.Helper()
	g := &gateway{t: t, net: n, dir: t.TempDir(), routes: map[string]string{}, pages: map[string]string{}}
	g.config = Config{ControlURL: n.url, StateDir: filepath.Join(g.dir, "state"), Nodes: map[string]NodeConfig{}}
	t.Cleanup(func() { caddy.Stop() })
	return g
}

// node adds a node with a route; load makes it effective.
func (g *gateway) node(name, upstream string, allow ...string) {
	g.key(name, "tskey-"+name)
	g.config.Nodes[name] = NodeConfig{
		Hostname: "tm-" + name, Port: freePort(g.t), AuthKeyFile: g.keyFile(name), Allow: allow,
	}
	g.routes[name] = upstream
}

// page serves a page on a node; load makes it effective.
func (g *gateway) page(name, upstream string) { g.pages[name] = upstream }

func (g *gateway) keyFile(name string) string { return filepath.Join(g.dir, name+".authkey") }

func (g *gateway) key(name, content string) {
	g.t.Helper()
	if err := os.WriteFile(g.keyFile(name), []byte(content+"\n"), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) json() []byte {
	servers := map[string]any{}
	route := func(server, name string, port int, up string) {
		servers[server] = map[string]any{
			"listen": []string{fmt.Sprintf("tailscale/%s:%d", name, port)},
			"routes": []any{map[string]any{"handle": []any{map[string]any{"handler": "relay", "upstream": up}}}},
		}
	}
	for name, up := range g.routes {
		route(name, name, 445, up)
	}
	for name, up := range g.pages {
		route(name+"-page", name, pagePort, up)
	}
	data, err := json.Marshal(map[string]any{
		"admin": map[string]any{"disabled": true},
		"apps":  map[string]any{"tailscale": g.config, "layer4": map[string]any{"servers": servers}},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return data
}

func (g *gateway) load() {
	g.t.Helper()
	if _, err := loadConfig(g.json()); err != nil {
		g.t.Fatal(err)
	}
}

// edit changes a node's configuration and loads it.
func (g *gateway) edit(name string, change func(*NodeConfig)) {
	g.t.Helper()
	n := g.config.Nodes[name]
	change(&n)
	g.config.Nodes[name] = n
	g.load()
}

func (g *gateway) status(name string) NodeStatus {
	for _, n := range nodes.list() {
		if n.settings.name == name {
			return n.status(context.Background())
		}
	}
	return NodeStatus{}
}

// await waits until a node's status satisfies ok.
func (g *gateway) await(name string, ok func(NodeStatus) bool) NodeStatus {
	g.t.Helper()
	var st NodeStatus
	eventually(g.t, 40*time.Second, func() error {
		if st = g.status(name); !ok(st) {
			return fmt.Errorf("node %s: %+v", name, st)
		}
		return nil
	})
	return st
}

func isRunning(s NodeStatus) bool { return s.State == stateRunning && len(s.IPs) > 0 }

// dial connects a peer to a node's share port.
func (g *gateway) dial(from *tsnet.Server, name string) (net.Conn, error) {
	return g.dialPort(from, name, 445)
}

func (g *gateway) dialPort(from *tsnet.Server, name string, port uint16) (net.Conn, error) {
	ip := g.await(name, isRunning).IPs[0]
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return from.Dial(ctx, "tcp", net.JoinHostPort(ip, fmt.Sprint(port)))
}

// greeting connects and returns what the upstream says first.
func (g *gateway) greeting(from *tsnet.Server, name string) (string, error) {
	c, err := g.dial(from, name)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 64)
	n, err := c.Read(buf)
	return string(buf[:n]), err
}

func (g *gateway) wantGreeting(from *tsnet.Server, name, want string) {
	g.t.Helper()
	eventually(g.t, 30*time.Second, func() error {
		if got, err := g.greeting(from, name); got != want {
			return fmt.Errorf("got %q, %v; want %q", got, err, want)
		}
		return nil
	})
}

// upstream greets with a word, then echoes.
func upstream(t *testing.T, word string) string {
	t.Helper()
	return serve(t, func(c net.Conn) {
		io.WriteString(c, word)
		io.Copy(c, c)
	})
}

// serve returns the address of a server that gives each connection to handle,
// and closes it then.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	return serveOn(t, "tcp", "127.0.0.1:0", handle)
}

func serveOn(t *testing.T, network, addr string, handle func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return ln.Addr().String()
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return uint16(c.LocalAddr().(*net.UDPAddr).Port)
}

// eventually polls until try returns nil.
func eventually(t *testing.T, limit time.Duration, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mholt/caddy-l4/layer4"
	"go.uber.org/zap"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/types/key"
)

var pageDst = netip.AddrPortFrom(testDst.Addr(), pagePort)

// visit enters a connection to the page.
func visit(t *testing.T, h *hub, src netip.AddrPort) (*conn, bool) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { far.Close() })
	c := newConn(h, near, src, pageDst)
	return c, h.admit(c, known("alice", nil))
}

func TestABrowserTakesNoPlaceOfABackup(t *testing.T) {
	h := newHub("alice")
	h.setAllow(newAllowList([]string{"alice"}))
	h.listen(445)
	h.listen(pagePort)
	f := &fakeFlows{sizes: map[netip.AddrPort]int{}}
	h.watchFlows(f)
	n := 0
	for ; n < 10*peerBurst && h.wants(from(1, n), pageDst); n++ {
		if c, ok := visit(t, h, from(1, n)); ok {
			joined(c, &net.UnixConn{})
		}
	}
	if n != maxPeerPageConns {
		t.Errorf("a peer has %d connections to the page", n)
	}
	for peer := range 20 {
		for n := 0; h.wants(from(2+peer, n), pageDst); n++ {
			visit(t, h, from(2+peer, n))
		}
	}
	if n := len(h.running()); n != maxPageConns {
		t.Errorf("the page has %d connections", n)
	}
	for n := range 1000 { // whatever else it tries
		h.wants(from(1, 1000+n), pageDst)
	}
	for n := range maxPeerConns {
		src := from(1, 5000+n)
		a, _ := net.Pipe()
		c := newConn(h, a, src, testDst)
		if !h.wants(src, testDst) || !h.admit(c, known("alice", nil)) {
			t.Fatalf("connection %d to the share was refused", n)
		}
		joined(c, &net.TCPConn{})
		if n < roomyConns && f.sizes[src] != 0 {
			t.Fatalf("connection %d has a share of buffers, because of a page", n)
		}
	}
	if size := f.sizes[from(1, 0)]; size != pageBuffer {
		t.Errorf("a page has buffers of %d bytes", size)
	}
}

func TestAPageIsCopiedInSmallPieces(t *testing.T) {
	h := newHub("alice")
	a, _ := net.Pipe()
	c := newConn(h, a, testSrc, pageDst)
	joined(c, &net.UnixConn{})
	buf, done := copyBuffer(a, layer4.WrapConnection(c, nil, zap.NewNop()))
	defer done()
	if len(buf) != sharedPiece {
		t.Errorf("pieces of %d bytes", len(buf))
	}
}

func TestAVisitOfThePageIsNoSession(t *testing.T) {
	h := withNode(t, "alice")
	h.setAllow(newAllowList([]string{"alice"}))
	c, ok := visit(t, h, testSrc)
	if !ok {
		t.Fatal("refused")
	}
	c.in.Add(1000)
	st := nodes.list()[0].status(t.Context())
	if st.Connections != 0 || st.Accepted != 0 || st.BytesIn != 0 || st.Pages != 1 {
		t.Errorf("while it runs: %+v", st)
	}
	dialed(c, time.Now(), io.EOF)
	c.Close()
	st = nodes.list()[0].status(t.Context())
	if st.Connections != 0 || st.Accepted != 0 || st.BytesIn != 0 || st.Pages != 0 {
		t.Errorf("after it: %+v", st)
	}
	if h.endedBy[endedUpstreamDown].Load() != 0 || h.dialFailures.Load() != 0 {
		t.Error("a page counts as a connection to Samba")
	}
	if h.pages.accepted.Load() != 1 || h.pages.dialFailures.Load() != 1 {
		t.Error("the page is not counted")
	}
	if got := (record{}).message(c); got == (record{}).message(newConn(h, nil, testSrc, testDst)) {
		t.Errorf("the log tells of either: %q", got)
	}
}

func TestAPeerThatCameForThePageAloneIsAVisitorForAWhile(t *testing.T) {
	h := newHub("alice")
	h.setAllow(newAllowList([]string{"alice"}))
	st := &ipnstate.Status{Peer: map[key.NodePublic]*ipnstate.PeerStatus{
		key.NewNode().Public(): {TailscaleIPs: []netip.Addr{testSrc.Addr()}, Active: true, CurAddr: "192.0.2.1:1"},
	}}
	look := func(now time.Time) PeerStatus {
		t.Helper()
		peers := peersOf(st, h.identities(only(classShare, h.running())), h.visitors(now))
		if len(peers) != 1 {
			t.Fatalf("%+v", peers)
		}
		return peers[0]
	}
	now := time.Now()
	if look(now).Visitor {
		t.Error("a peer that is active is a visitor")
	}
	c, _ := visit(t, h, testSrc)
	if p := look(now); !p.Visitor || p.Connections != 0 {
		t.Errorf("%+v", p)
	}
	near, _ := net.Pipe()
	share := newConn(h, near, testSrc, testDst)
	h.admit(share, known("alice", nil))
	if p := look(now); p.Visitor || p.Connections != 1 {
		t.Errorf("with a backup: %+v", p)
	}
	share.Close()
	c.Close()
	if !look(time.Now().Add(visitTime - time.Second)).Visitor {
		t.Error("the library still calls it active because of the page")
	}
	if look(time.Now().Add(visitTime)).Visitor {
		t.Error("it is a visitor for ever")
	}
	for i := range 10 * maxVisits {
		h.visits.saw(from(i, 0).Addr(), now.Add(time.Duration(i)))
	}
	if len(h.visits) > maxVisits {
		t.Errorf("%d visits are remembered", len(h.visits))
	}
}

func TestAPageIsAtItsPortAndNothingElseIs(t *testing.T) {
	config := func(listen, upstream string) []byte {
		relay := map[string]any{"handler": "relay", "upstream": upstream}
		data, err := json.Marshal(map[string]any{
			"admin": map[string]any{"disabled": true},
			"apps": map[string]any{
				"tailscale": Config{ControlURL: "http://c", StateDir: "/s", Nodes: map[string]NodeConfig{
					"alice": {Hostname: "tm-alice", Port: 1, AuthKeyFile: "/k"},
				}},
				"layer4": map[string]any{"servers": map[string]any{"one": map[string]any{
					"listen": []string{listen},
					"routes": []any{map[string]any{"handle": []any{relay}}},
				}}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	const page = "unix//run/tmgen-page/people/alice.sock"
	for _, c := range []struct {
		port     int
		upstream string
		ok       bool
	}{{80, page, true}, {445, "10.0.0.2:445", true}, {445, page, false}, {8080, page, false}, {80, "10.0.0.2:445", false}} {
		_, err := validateFile(config(fmt.Sprintf("tailscale/alice:%d", c.port), c.upstream))
		if (err == nil) != c.ok || (err != nil && !strings.Contains(err.Error(), "apps.layer4.servers.one.routes")) {
			t.Errorf("%s at %d: %v", c.upstream, c.port, err)
		}
	}
}

// TestAPageIsServedThroughItsNode has both routes of one node, and a peer that
// may use neither.
func TestAPageIsServedThroughItsNode(t *testing.T) {
	pages(t)
	tn := newTailnet(t)
	alice, login := tn.peer(t, "alice-mac")
	bob, _ := tn.peer(t, "bob-mac")
	g := newGateway(t, tn)
	g.node("alice", upstream(t, "share"), login)
	g.page("alice", servePage(t, "people/alice.sock", func(c net.Conn) {
		io.WriteString(c, "page")
		io.Copy(c, c)
	}))
	g.load()
	g.wantGreeting(alice, "alice", "share")
	c, err := g.dialPort(alice, "alice", pagePort)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echo(t, c, "page")
	g.await("alice", func(s NodeStatus) bool { return s.Pages == 1 && s.Connections == 0 && s.Peers[0].Visitor })
	refused, err := g.dialPort(bob, "alice", pagePort)
	if err == nil {
		wantClosed(t, refused)
		refused.Close()
	}
	if st := g.status("alice"); st.Refused != 1 || st.Pages != 1 {
		t.Errorf("%+v", st)
	}
	// Whoever loses access loses the page too.
	g.edit("alice", func(n *NodeConfig) { n.Allow = nil })
	wantClosed(t, c)
}

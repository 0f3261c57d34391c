package main

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"tailscale.com/tsnet"
)

func TestAllowedPeerReachesItsUpstreamAndOthersDoNot(t *testing.T) {
	tt := t // upstreams outlive the subtest that makes them
	tn := newTailnet(t)
	alice, login := tn.peer(t, "alice-mac")
	bob, bobLogin := tn.peer(t, "bob-mac")
	g := newGateway(t, tn)
	g.node("alice", upstream(t, "alice"), login)
	g.node("nobody", upstream(t, "nobody"))
	g.load()
	g.wantGreeting(alice, "alice", "alice")
	if got, err := g.greeting(bob, "alice"); got != "" {
		t.Fatalf("bob got %q, %v", got, err)
	}
	if got, _ := g.greeting(alice, "nobody"); got != "" {
		t.Fatalf("an empty allow list let alice in: %q", got)
	}
	if st := g.status("alice"); st.Refused != 1 || st.Accepted < 1 {
		t.Fatalf("counters: %+v", st)
	}

	held := func(t *testing.T, peer *tsnet.Server) (*node, net.Conn) {
		t.Helper()
		c, err := g.dial(peer, "alice")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return nodes.list()[0], c
	}
	t.Run("a peer that is added to the list gets in without a node restart", func(t *testing.T) {
		before, c := held(t, alice)
		g.edit("alice", func(n *NodeConfig) { n.Allow = []string{login, bobLogin} })
		g.wantGreeting(bob, "alice", "alice")
		if nodes.list()[0] != before {
			t.Fatal("the node was restarted")
		}
		echo(t, c, "alice")
	})

	t.Run("another pin epoch restarts no node and ends no connection", func(t *testing.T) {
		before, c := held(t, alice)
		g.edit("alice", func(n *NodeConfig) { n.PinEpoch++ })
		time.Sleep(2 * recheckEvery) // the connection must outlive checks, which leave no trace
		if nodes.list()[0] != before {
			t.Fatal("the node was restarted")
		}
		echo(t, c, "alice")
		g.wantGreeting(alice, "alice", "alice")
		if st := g.status("alice"); st.PinsError != "" || len(st.LoginChanged) != 0 {
			t.Fatalf("pins: %+v", st)
		}
	})

	t.Run("a moved upstream serves the very next connection", func(t *testing.T) {
		for _, word := range []string{"second", "third", "fourth"} {
			g.routes["alice"] = upstream(tt, word)
			g.load()
			if got, err := g.greeting(alice, "alice"); got != word {
				t.Fatalf("got %q, %v; want %q", got, err, word)
			}
		}
	})

	t.Run("a running connection is cut when its peer is removed from the list", func(t *testing.T) {
		_, c := held(t, bob)
		echo(t, c, "fourth")
		g.edit("alice", func(n *NodeConfig) { n.Allow = []string{login} })
		wantClosed(t, c)
	})

	t.Run("status shows the peer's path", func(t *testing.T) {
		_, c := held(t, alice)
		echo(t, c, "fourth")
		g.await("alice", func(s NodeStatus) bool {
			return slices.ContainsFunc(s.Peers, func(p PeerStatus) bool {
				return p.Login == login && p.Connections == 1 && p.Path == "direct" && p.Endpoint != ""
			})
		})
	})

	t.Run("500 resets in a row are survived", func(t *testing.T) {
		for range 500 {
			c, err := g.dial(alice, "alice")
			if err != nil {
				continue
			}
			reset(c)
		}
		g.wantGreeting(alice, "alice", "fourth")
	})

	t.Run("a removed node is cut at once and others keep their connections", func(t *testing.T) {
		g.node("bob", upstream(t, "bob"), bobLogin)
		g.load()
		g.wantGreeting(bob, "bob", "bob")
		kept, err := g.dial(bob, "bob")
		if err != nil {
			t.Fatal(err)
		}
		defer kept.Close()
		echo(t, kept, "bob")
		_, c := held(t, alice)
		echo(t, c, "fourth")
		delete(g.config.Nodes, "alice")
		delete(g.routes, "alice")
		g.load()
		wantClosed(t, c)
		echo(t, kept, "")
	})
}

// echo reads the greeting and sends a word there and back.
func echo(t *testing.T, c net.Conn, greeting string) {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	defer c.SetDeadline(time.Time{})
	if _, err := io.WriteString(c, "ping"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len(greeting)+4)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != greeting+"ping" {
		t.Fatalf("got %q, %v", buf, err)
	}
}

// wantClosed fails unless the other end closes c within 5 s.
func wantClosed(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err := io.ReadAll(c)
	var timeout net.Error
	if e, ok := err.(net.Error); ok {
		timeout = e
	}
	if timeout != nil && timeout.Timeout() {
		t.Fatal("still open after 5 s")
	}
}

// reset ends c in the middle of its work, with unread data on both sides.
func reset(c net.Conn) {
	io.WriteString(c, "junk")
	c.Close()
}

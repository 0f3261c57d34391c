package main

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// The caps look into the userspace network past its public interface: this is
// what tells when an update has moved what they look at.
func TestBuffersOfRealConnectionsShareTheirBudget(t *testing.T) {
	tn := newTailnet(t)
	alice, login := tn.peer(t, "alice-mac")
	g := newGateway(t, tn)
	g.node("alice", upstream(t, "alice"), login)
	g.load()
	g.await("alice", isRunning)
	h := nodes.list()[0].hub
	f, ok := h.caps[classShare].flows.(netFlows)
	if !ok {
		t.Fatal("the node's network cannot be seen")
	}
	open := func(n int) {
		t.Helper()
		for len(h.running()) < n {
			c, err := g.dial(alice, "alice")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			echo(t, c, "alice")
		}
	}
	// sizes is what each connection may keep towards its peer and from it.
	sizes := func(want func(out, in int64) error) {
		t.Helper()
		eventually(t, 10*time.Second, func() error {
			for _, c := range h.running() {
				e := f.endpoint(c.src, c.dst)
				if e == nil || f.state(c.src, c.dst) != flowOpen {
					return fmt.Errorf("the network does not know %v", c.src)
				}
				o := e.SocketOptions()
				if err := want(o.GetSendBufferSize(), o.GetReceiveBufferSize()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	open(roomyConns)
	sizes(func(out, in int64) error {
		if out < 1<<20 || in < 1<<20 {
			return fmt.Errorf("a few connections have buffers of %d and %d bytes", out, in)
		}
		return nil
	})
	open(3 * roomyConns)
	sizes(func(out, in int64) error {
		if share := int64(bufferShare(3 * roomyConns)); out != share || in != share {
			return fmt.Errorf("buffers of %d and %d bytes, want %d", out, in, share)
		}
		return nil
	})
	c := h.running()[0]
	f.abort(c.src, c.dst)
	eventually(t, 10*time.Second, func() error {
		if f.state(c.src, c.dst) != flowGone {
			return fmt.Errorf("still there after its end")
		}
		return nil
	})
	if f.state(netip.MustParseAddrPort("[fd7a:115c:a1e0::9]:1"), netip.MustParseAddrPort("[fd7a:115c:a1e0::1]:445")) != flowGone {
		t.Error("a connection that never was is known")
	}
}

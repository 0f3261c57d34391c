package main

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/mholt/caddy-l4/layer4"
	"go.uber.org/zap"
)

// fakeFlows is a network that a test writes down.
type fakeFlows struct {
	states  map[netip.AddrPort]flow
	aborted int
	sizes   map[netip.AddrPort]int
	resizes int
}

func (f *fakeFlows) state(src, _ netip.AddrPort) flow { return f.states[src] }
func (f *fakeFlows) abort(src, _ netip.AddrPort)      { f.aborted++; delete(f.states, src) }
func (f *fakeFlows) resize(src, _ netip.AddrPort, n int) {
	f.resizes++
	f.sizes[src] = n
}

// from is port n of the peer-th peer.
func from(peer, n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, 64, byte(peer >> 8), byte(peer)}), uint16(1000+n))
}

func TestTheAcceptRateBoundsAPeerAndLeavesOthersTheirShare(t *testing.T) {
	r, now := newRates(), time.Unix(1e9, 0)
	burst := func(peer int) (n int) {
		for r.take(from(peer, 0).Addr(), now) {
			n++
		}
		return n
	}
	if n := burst(1); n != peerBurst {
		t.Errorf("a peer opens %d connections at once", n)
	}
	r.know(from(1, 0).Addr())
	if n := burst(2); n != 0 {
		t.Errorf("a peer that was never let in took %d of what is kept for others", n)
	}
	now = now.Add(time.Second)
	if n := burst(2); n != nodeRate {
		t.Errorf("%d connections in the next second", n)
	}
	if n := burst(1); n != peerRate {
		t.Errorf("the peer that was let in before opens %d", n)
	}
	now = now.Add(time.Hour)
	if n := burst(1); n != peerBurst {
		t.Errorf("after an hour %d connections at once", n)
	}
}

func TestTheAcceptRateRemembersABoundedNumberOfPeers(t *testing.T) {
	r, now := newRates(), time.Unix(1e9, 0)
	for i := range 10 * ratePeers {
		now = now.Add(time.Second / nodeRate)
		r.take(from(i, 0).Addr(), now)
		if len(r.peers) > ratePeers {
			t.Fatalf("%d peers are remembered", len(r.peers))
		}
	}
}

func TestConnectionsThatOpenAreBoundedByPeerAndNode(t *testing.T) {
	o, now := opening{}, time.Unix(1e9, 0)
	fill := func(peer int, known bool) (n int) {
		for n < 1000 && o.room(from(peer, n).Addr(), known, nil, now) {
			o[from(peer, n)] = begun{testDst, now}
			n++
		}
		return n
	}
	for peer := range maxNodeOpening / maxPeerOpening {
		if n := fill(peer, false); n != maxPeerOpening {
			t.Fatalf("peer %d opens %d", peer, n)
		}
	}
	if n := fill(100, false); n != 0 {
		t.Errorf("the node has no bound: %d more", n)
	}
	if n := fill(101, true); n != maxPeerOpening {
		t.Errorf("a peer that was let in before opens %d", n)
	}
}

func TestHalfOpenConnectionsEndAfterTheirTimeAndFailedOnesAtOnce(t *testing.T) {
	o, now := opening{}, time.Unix(1e9, 0)
	f := &fakeFlows{states: map[netip.AddrPort]flow{}}
	for n := range maxPeerOpening {
		o[from(1, n)] = begun{testDst, now}
		f.states[from(1, n)] = flowHalfOpen
	}
	peer := from(1, 0).Addr()
	now = now.Add(handshakeTime - 1)
	if o.room(peer, true, f, now) {
		t.Fatal("there is room before the time is over")
	}
	delete(f.states, from(1, 7)) // its handshake failed
	if !o.room(peer, true, f, now) || len(o) != maxPeerOpening-1 || f.aborted != 0 {
		t.Fatalf("%d open, %d aborted", len(o), f.aborted)
	}
	o[from(1, 7)], f.states[from(1, 7)] = begun{testDst, now}, flowOpen // waits for its upstream
	if !o.room(peer, true, f, now.Add(1)) || len(o) != 1 || f.aborted != maxPeerOpening-1 {
		t.Fatalf("%d open, %d aborted", len(o), f.aborted)
	}
}

func TestAConnectionOpensUntilItHasItsUpstreamOrIsOver(t *testing.T) {
	h := newHub("alice")
	h.setAllow(newAllowList([]string{"alice"}))
	h.listen(445)
	f := &fakeFlows{sizes: map[netip.AddrPort]int{}}
	h.caps[classShare].watch(f)
	var all []*conn
	for n := range 3 {
		if !h.wants(from(1, n), testDst) {
			t.Fatal("refused")
		}
		a, _ := net.Pipe()
		c := newConn(h, a, from(1, n), testDst)
		if !h.admit(c, known("alice", nil)) {
			t.Fatal("not admitted")
		}
		all = append(all, c)
	}
	if !h.caps[classShare].rates.knows(from(1, 0).Addr()) {
		t.Error("a peer that was let in is not known")
	}
	if n := len(h.caps[classShare].opening); n != 3 {
		t.Errorf("%d are opening", n)
	}
	joined(all[0], &net.TCPConn{})
	all[1].Close()
	if n := len(h.caps[classShare].opening); n != 1 || len(h.caps[classShare].buffers) != 1 {
		t.Errorf("%d are opening, %d have buffers", n, len(h.caps[classShare].buffers))
	}
	all[0].Close()
	all[2].Close()
	if len(h.caps[classShare].opening)+len(h.caps[classShare].buffers) != 0 {
		t.Error("something is left of connections that are over")
	}
}

func TestARefusalForTheRateIsCounted(t *testing.T) {
	h := newHub("alice")
	h.listen(445)
	h.caps[classShare].watch(&fakeFlows{})
	n := 0
	for n < 10*peerBurst && h.wants(from(1, n), testDst) {
		n++
	}
	if n < peerBurst || n > peerBurst+10 || h.refused.Load() != 1 {
		t.Errorf("%d connections, %d refused", n, h.refused.Load())
	}
}

func TestBuffersShareTheirBudgetAndAFewKeepTheirOwn(t *testing.T) {
	f := &fakeFlows{sizes: map[netip.AddrPort]int{}}
	b := buffers{}
	var all []*conn
	for n := range maxConns {
		c := &conn{src: from(n/maxPeerConns, n)}
		all = append(all, c)
		b.add(c, f)
		sum := 0
		for _, size := range f.sizes {
			sum += 2 * size
		}
		switch {
		case n < roomyConns && len(f.sizes) != 0:
			t.Fatalf("connection %d changed the buffers", n)
		case n >= roomyConns && len(f.sizes) != n+1:
			t.Fatalf("with %d connections %d have a share", n+1, len(f.sizes))
		case sum > nodeBuffers:
			t.Fatalf("%d connections may keep %d bytes", n+1, sum)
		}
	}
	if f.resizes > 4*maxConns {
		t.Errorf("%d changes of size", f.resizes)
	}
	for _, c := range all[roomyConns:] {
		b.remove(c, f)
		delete(f.sizes, c.src)
	}
	for src, size := range f.sizes {
		if size != roomyBuffer {
			t.Errorf("%v is left with %d", src, size)
		}
	}
}

func TestARelayThatFailsIsLoggedOnceAMinuteAndNotByLayer4(t *testing.T) {
	h := newHub("alice")
	for n := range 100 {
		if err := relayFailed(&conn{hub: h, src: from(1, n)}, errors.New("away")); err != nil {
			t.Fatalf("layer 4 would log %v", err)
		}
	}
	if n := h.caps[classShare].failures.peers[from(1, 0).Addr()].skipped; n != 99 {
		t.Errorf("%d of 100 lines were left out", n)
	}
	if relayFailed(&net.TCPConn{}, net.ErrClosed) == nil {
		t.Error("the error of a connection that is none of ours is lost")
	}
}

func TestConnectionsBeyondAFewAreRelayedInSmallPieces(t *testing.T) {
	h := newHub("alice")
	h.caps[classShare].watch(&fakeFlows{sizes: map[netip.AddrPort]int{}})
	for n := range 2 * roomyConns {
		a, _ := net.Pipe()
		c := newConn(h, a, from(1, n), testDst)
		joined(c, &net.TCPConn{})
		cx := layer4.WrapConnection(c, nil, zap.NewNop())
		for _, ends := range [][2]any{{cx, a}, {a, cx}} {
			buf, done := copyBuffer(ends[0].(io.Writer), ends[1].(io.Reader))
			if want := map[bool]int{true: relayBuffer, false: sharedPiece}[n < roomyConns]; len(buf) != want {
				t.Errorf("connection %d is copied in pieces of %d bytes", n, len(buf))
			}
			done()
		}
	}
}

package main

import (
	"net/netip"
	"time"
)

// Connections that have begun and have no upstream yet: in their handshake,
// waiting to be identified, or for an upstream that is away. The tailnet
// library's own bound is 8,192 handshakes, each up to 127 s.
const (
	maxPeerOpening = 64
	// maxNodeOpening binds peers that were never let in: they cannot take the
	// room of those that were.
	maxNodeOpening = 256
	// handshakeTime: a client repeats a lost packet after 1, 3 and 7 s.
	handshakeTime = 10 * time.Second
)

// flow is the state of a connection, as the network sees it.
type flow int

const (
	flowGone flow = iota
	flowHalfOpen
	flowOpen
)

// flows shows and changes connections inside the userspace network.
type flows interface {
	state(src, dst netip.AddrPort) flow
	// abort ends a connection at once.
	abort(src, dst netip.AddrPort)
	// resize sets both buffers of a connection, in bytes.
	resize(src, dst netip.AddrPort, size int)
}

type begun struct {
	dst netip.AddrPort
	at  time.Time
}

// opening holds the connections that are opening, by the peer's address.
type opening map[netip.AddrPort]begun

// room reports whether peer may open one more. When it seems not, those whose
// handshake failed, which nobody tells, or takes too long are taken out.
func (o opening) room(peer netip.Addr, known bool, f flows, now time.Time) bool {
	if !o.full(peer, known) {
		return true
	}
	for src, b := range o {
		state := flowOpen
		if f != nil {
			state = f.state(src, b.dst)
		}
		switch {
		case state == flowGone:
			delete(o, src)
		case state == flowHalfOpen && now.Sub(b.at) >= handshakeTime:
			f.abort(src, b.dst)
			delete(o, src)
		}
	}
	return !o.full(peer, known)
}

func (o opening) full(peer netip.Addr, known bool) bool {
	if !known && len(o) >= maxNodeOpening {
		return true
	}
	n := 0
	for src := range o {
		if src.Addr() == peer {
			n++
		}
	}
	return n >= maxPeerOpening
}

package main

import (
	"net/netip"
	"time"
)

// pagePort is where a node serves a page: http. A configuration that has a
// page elsewhere, or something else there, is not taken (see checkServer).
const pagePort = 80

const (
	// maxPageConns and maxPeerPageConns bound the connections to a page. A
	// browser opens six; the monitor takes 32 of all.
	maxPageConns     = 64
	maxPeerPageConns = 16
	// pageBuffer is what each of a page's two buffers in the userspace network
	// may hold: the largest page is 200 KiB, and less on its way.
	pageBuffer = 128 << 10
	// visitTime is how long the tailnet library calls a peer active after a
	// packet (sessionActiveTimeout, 45 s), and a little more.
	visitTime = time.Minute
	// maxVisits is how many peers are remembered.
	maxVisits = 256
)

// class is what a connection is for. Each has bounds and counters of its own:
// a browser never takes the place of a backup, nor looks like one.
type class uint8

const (
	classShare class = iota
	classPage
	classes // how many there are
)

func classOf(dst netip.AddrPort) class {
	if dst.Port() == pagePort {
		return classPage
	}
	return classShare
}

// bounds are the most connections of a class, of a node and of a peer.
func (c class) bounds() (node, peer int) {
	if c == classPage {
		return maxPageConns, maxPeerPageConns
	}
	return maxConns, maxPeerConns
}

// only returns the connections of one class.
func only(want class, conns []*conn) []*conn {
	var some []*conn
	for _, c := range conns {
		if classOf(c.dst) == want {
			some = append(some, c)
		}
	}
	return some
}

// visits are when connections to a page ended, by peer. The hub's lock guards
// it.
type visits map[netip.Addr]time.Time

// saw notes the end of a visit; of too many the oldest goes.
func (v visits) saw(peer netip.Addr, now time.Time) {
	v[peer] = now
	for len(v) > maxVisits {
		oldest := peer
		for other, at := range v {
			if at.Before(v[oldest]) {
				oldest = other
			}
		}
		delete(v, oldest)
	}
}

// visitors returns the peers that are looking at the page, or did so lately:
// that they are active says nothing of a backup.
func (h *hub) visitors(now time.Time) map[netip.Addr]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[netip.Addr]bool{}
	for peer, at := range h.visits {
		if now.Sub(at) < visitTime {
			all[peer] = true
		} else {
			delete(h.visits, peer)
		}
	}
	for c := range h.conns {
		if classOf(c.dst) == classPage {
			all[c.src.Addr()] = true
		}
	}
	return all
}

package main

import (
	"net/netip"
	"time"
)

// limitedPeers is how many peers a peerLimit remembers.
const limitedPeers = 256

// peerLimit decides which events of a peer are logged, so that a hostile one
// cannot fill the log: the first burst, then one each time every has passed.
type peerLimit struct {
	burst int
	every time.Duration
	peers map[netip.Addr]*allowance
}

// allowance is what one peer has left: a token is a line.
type allowance struct {
	bucket
	skipped int
}

func newPeerLimit(burst int, every time.Duration) *peerLimit {
	return &peerLimit{burst: burst, every: every, peers: map[netip.Addr]*allowance{}}
}

// allow reports whether to log now, and how many lines of this peer were left
// out since the last one.
func (l *peerLimit) allow(peer netip.Addr, now time.Time) (skipped int, ok bool) {
	a := l.peers[peer]
	if a == nil {
		if len(l.peers) >= limitedPeers && !l.forget(now) {
			return 0, false
		}
		a = &allowance{bucket: bucket{tokens: float64(l.burst), at: now}}
		l.peers[peer] = a
	}
	a.fill(1/l.every.Seconds(), float64(l.burst), now)
	if a.tokens < 1 {
		a.skipped++
		return 0, false
	}
	a.tokens--
	skipped, a.skipped = a.skipped, 0
	return skipped, true
}

// forget drops the peers that were quiet long enough to have all of their
// burst again, and reports whether there were any.
func (l *peerLimit) forget(now time.Time) bool {
	before := len(l.peers)
	for peer, a := range l.peers {
		if now.Sub(a.at) >= time.Duration(l.burst)*l.every {
			delete(l.peers, peer)
		}
	}
	return len(l.peers) < before
}

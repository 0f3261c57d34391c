package main

import (
	"net/netip"
	"time"
)

// How often connections may begin. A Mac opens a handful; each one costs Samba
// a process. A refused client gets a reset at once and tries again.
const (
	peerRate, peerBurst = 32, 128 // a second; at once
	nodeRate, nodeBurst = 64, 256
	// nodeReserve is what peers that were never let in leave to those that were.
	nodeReserve = nodeBurst / 2
	// ratePeers is how many peers are remembered.
	ratePeers = 256
)

// bucket holds tokens, which come back at a rate: one is taken for each event.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) fill(rate, burst float64, now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.tokens = min(burst, b.tokens+rate*d.Seconds())
		b.at = now
	}
}

// rates is the accept rate of a node and of each of its peers.
type rates struct {
	node  bucket
	peers map[netip.Addr]*peerRates
}

type peerRates struct {
	bucket
	known bool // let in once
}

func newRates() rates {
	return rates{node: bucket{tokens: nodeBurst}, peers: map[netip.Addr]*peerRates{}}
}

// take takes a token for a connection from peer, if there is one.
func (r *rates) take(peer netip.Addr, now time.Time) bool {
	p := r.peers[peer]
	if p == nil {
		if len(r.peers) >= ratePeers && !r.forget(now) {
			return false
		}
		p = &peerRates{bucket: bucket{tokens: peerBurst, at: now}}
		r.peers[peer] = p
	}
	r.node.fill(nodeRate, nodeBurst, now)
	p.fill(peerRate, peerBurst, now)
	left := r.node.tokens
	if !p.known {
		left -= nodeReserve
	}
	if left < 1 || p.tokens < 1 {
		return false
	}
	r.node.tokens--
	p.tokens--
	return true
}

// forget drops the peers that were quiet long enough to have all of their
// tokens again, and reports whether there were any.
func (r *rates) forget(now time.Time) bool {
	before := len(r.peers)
	for peer, p := range r.peers {
		if p.fill(peerRate, peerBurst, now); p.tokens == peerBurst {
			delete(r.peers, peer)
		}
	}
	return len(r.peers) < before
}

func (r *rates) know(peer netip.Addr) {
	if p := r.peers[peer]; p != nil {
		p.known = true
	}
}

func (r *rates) knows(peer netip.Addr) bool { return r.peers[peer] != nil && r.peers[peer].known }

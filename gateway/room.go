package main

import (
	"net/netip"
	"time"
)

const (
	// maxConns bounds the connections of one node, so that one person cannot
	// use up the memory of all. A Mac needs a handful.
	maxConns = 512
	// maxPeerConns bounds those of one peer.
	maxPeerConns = 128
)

// wants reports whether a connection from src to dst may go on at all. It
// is asked before the handshake and must not wait.
func (h *hub) wants(src, dst netip.AddrPort) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.removed || len(h.listeners[dst.Port()]) == 0 {
		return false
	}
	reason := h.fullLocked(src.Addr(), classOf(dst))
	if reason == notRefused {
		reason = h.caps[classOf(dst)].begin(src, dst, time.Now())
	}
	if reason != notRefused {
		h.refuseLocked(src.Addr(), "", reason, "")
		return false
	}
	return true
}

// fullLocked says why there is no room for one more connection of a class from
// src.
func (h *hub) fullLocked(src netip.Addr, of class) refusal {
	node, peer := h.nPending[of], h.pending[pendingOf{src, of}]
	for c := range h.conns {
		if classOf(c.dst) != of {
			continue
		}
		node++
		if c.src.Addr() == src {
			peer++
		}
	}
	switch maxNode, maxPeer := of.bounds(); {
	case node >= maxNode:
		return refusedNodeFull
	case peer >= maxPeer:
		return refusedPeerFull
	}
	return notRefused
}

// pendingOf is whose connections are being checked, and what for.
type pendingOf struct {
	peer netip.Addr
	class
}

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
	reason := h.fullLocked(src.Addr())
	if reason == notRefused {
		reason = h.caps.begin(src, dst, time.Now())
	}
	if reason != notRefused {
		h.refuseLocked(src.Addr(), "", reason, "")
		return false
	}
	return true
}

// fullLocked says why there is no room for one more connection from src.
func (h *hub) fullLocked(src netip.Addr) refusal {
	if len(h.conns)+h.nPending >= maxConns {
		return refusedNodeFull
	}
	n := h.pending[src]
	for c := range h.conns {
		if c.src.Addr() == src {
			n++
		}
	}
	if n >= maxPeerConns {
		return refusedPeerFull
	}
	return notRefused
}

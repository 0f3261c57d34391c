package main

import (
	"fmt"
	"net/netip"
)

const (
	// maxConns bounds the connections of one node, so that one person cannot
	// use up the memory of all. A Mac needs a handful.
	maxConns = 512
	// maxPeerConns bounds those of one peer.
	maxPeerConns = 128
)

// wants reports whether a connection from src to a port may go on at all. It
// is asked before the handshake and must not wait.
func (h *hub) wants(src netip.Addr, port uint16) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.removed || len(h.listeners[port]) == 0 {
		return false
	}
	if reason := h.fullLocked(src); reason != "" {
		h.refuseLocked(src, "", reason)
		return false
	}
	return true
}

// fullLocked says why there is no room for one more connection from src.
func (h *hub) fullLocked(src netip.Addr) string {
	if len(h.conns)+h.nPending >= maxConns {
		return fmt.Sprintf("the node has %d connections", maxConns)
	}
	n := h.pending[src]
	for c := range h.conns {
		if c.src.Addr() == src {
			n++
		}
	}
	if n >= maxPeerConns {
		return fmt.Sprintf("the peer has %d connections", maxPeerConns)
	}
	return ""
}

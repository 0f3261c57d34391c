package main

import (
	"context"
	"errors"
	"net/netip"

	"go.uber.org/zap"
)

// setAllow changes who may connect and cuts running connections of others.
func (h *hub) setAllow(a allowList) {
	h.mu.Lock()
	h.removed = false
	h.allow = a
	h.mu.Unlock()
	h.cut(endedAccessLost, func(c *conn) bool { return !a.permits(c.id) })
}

// recheck asks again who is behind each running connection and cuts those
// that lost access. A failure other than "not in the tailnet" counts only
// when it happens twice in a row, so that a busy moment ends no backup.
func (h *hub) recheck(ctx context.Context, who whoIs, failed map[netip.Addr]int) {
	for peer, addr := range h.peers() {
		c, cancel := context.WithTimeout(ctx, whoIsTimeout)
		id, err := who(c, addr)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, errPeerGone) {
			if failed[peer]++; failed[peer] < 2 {
				continue
			}
		}
		delete(failed, peer)
		h.mu.Lock()
		lost := err != nil || !h.allow.permits(id)
		for c := range h.conns {
			if c.src.Addr() == peer && !lost {
				c.id = id
			}
		}
		h.mu.Unlock()
		if lost {
			h.cut(endedAccessLost, func(c *conn) bool { return c.src.Addr() == peer })
		}
	}
}

// peers returns the peers with running connections, with one address each.
func (h *hub) peers() map[netip.Addr]netip.AddrPort {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[netip.Addr]netip.AddrPort{}
	for c := range h.conns {
		all[c.src.Addr()] = c.src
	}
	return all
}

// cut closes the running connections that match and logs how many there were.
func (h *hub) cut(reason ending, match func(*conn) bool) {
	var victims []*conn
	h.mu.Lock()
	for c := range h.conns {
		if match(c) {
			victims = append(victims, c)
		}
	}
	h.mu.Unlock()
	for _, c := range victims {
		c.end(reason)
		c.Close()
	}
	if len(victims) > 0 {
		logger().Info("connections cut", zap.String("node", h.name),
			zap.Int("count", len(victims)), zap.Stringer("reason", reason))
	}
}

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

// setPins changes where the node keeps its pins, or their epoch. Running
// connections stay: the next new one of each login pins it.
func (h *hub) setPins(dir string, epoch uint32) {
	h.mu.Lock()
	old := h.pins
	h.mu.Unlock()
	if old.dir == dir && old.epoch == epoch {
		return
	}
	p := newPins(dir, epoch)
	h.mu.Lock()
	h.pins = p
	h.mu.Unlock()
}

// claim pins the login of a new connection, where it is permitted, and says
// why it cannot go on.
func (h *hub) claim(id identity) error {
	h.mu.Lock()
	p, ok := h.pins, !h.removed && h.allow.permits(id)
	h.mu.Unlock()
	if !ok {
		return errNotPinned
	}
	if err := p.claim(id); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pins.check(id) // other pins than p after a reload meanwhile
}

// pinReport says for the status what the pins refuse.
func (h *hub) pinReport() (changed []loginChange, fault string) {
	h.mu.Lock()
	p, a := h.pins, h.allow
	h.mu.Unlock()
	return p.report(h.name, a)
}

func refusalOf(unpinned error) refusal {
	if errors.As(unpinned, new(otherAccountError)) {
		return refusedLoginChanged
	}
	return refusedNoPin
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
		// Only another account is a reason to cut: a login without a pin is one
		// whose pins were just forgotten.
		lost := err != nil || !h.allow.permits(id) || errors.As(h.pins.check(id), new(otherAccountError))
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

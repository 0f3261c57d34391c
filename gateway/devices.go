package main

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"tailscale.com/ipn/ipnstate"
)

// maxDevices bounds the devices of a node that are asked about one by one.
const maxDevices = 64

// noMacs are systems of devices that never back up to a share. A telephone is
// always on, and tells nothing of the Mac.
var noMacs = []string{"ios", "tvos", "android"}

// isOnline tells of one device whether it is connected to the control server;
// nil: that is not known.
type isOnline func(ctx context.Context, device netip.Addr) *bool

// deviceOnline tells whether one of the devices that may come is connected to
// the control server; nil: nobody knows. It says so of no device by itself, and
// nothing at all of those that may not come.
func deviceOnline(ctx context.Context, st *ipnstate.Status, mayCome func(identity) bool, ask isOnline) *bool {
	// A node that is cut off goes on with what it heard last.
	if st.Self == nil || !st.Self.Online {
		return nil
	}
	var silent []netip.Addr
	for _, p := range st.Peer {
		// A device whose key is expired cannot come, and may be one of long ago.
		if p.Expired || len(p.TailscaleIPs) == 0 || slices.Contains(noMacs, strings.ToLower(p.OS)) {
			continue
		}
		id := identity{login: st.User[p.UserID].LoginName, account: p.UserID}
		if p.Tags != nil {
			id.tags = p.Tags.AsSlice()
		}
		if !mayCome(id) {
			continue
		}
		if p.Online {
			return new(true)
		}
		silent = append(silent, p.TailscaleIPs[0])
	}
	if len(silent) == 0 || len(silent) > maxDevices {
		return nil
	}
	// The status does not tell what is off from what is not known.
	for _, device := range silent {
		if on := ask(ctx, device); on == nil || *on {
			return on
		}
	}
	return new(false)
}

// isOnline asks the node about one device.
func (s *session) isOnline(ctx context.Context, device netip.Addr) *bool {
	w, err := s.lc.WhoIs(ctx, device.String())
	if err != nil || w == nil || w.Node == nil {
		return nil
	}
	return w.Node.Online
}

// guests returns who may come, as far as allow list and pins tell. Unlike
// claim it pins nobody, and takes nobody for refused.
func (h *hub) guests() func(identity) bool {
	h.mu.Lock()
	a, p, removed := h.allow, h.pins, h.removed
	h.mu.Unlock()
	return func(id identity) bool { return !removed && a.permits(id) && p.mayBe(id) }
}

// mayBe reports whether nothing speaks against id being whom its login is
// pinned to.
func (p *pins) mayBe(id identity) bool {
	if len(id.tags) > 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.known[normalLogin(id.login)]
	return p.unread == nil && id.account != 0 && (!ok || known.ID == id.account)
}

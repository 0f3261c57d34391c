package main

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tailscale.com/ipn/ipnstate"
)

// Status is what the status socket answers. No secret is ever in it.
type Status struct {
	Version      int                   `json:"version"`
	ConfigSHA256 string                `json:"config_sha256"`
	Rejected     *rejection            `json:"rejected"`
	StartedAt    string                `json:"started_at"`
	MemoryLimit  int64                 `json:"memory_limit"`
	Reserve      ReserveStatus         `json:"reserve"`
	Nodes        map[string]NodeStatus `json:"nodes"`
}

// NodeStatus is one node's part of it; what is counted, is since the gateway
// started. Connections and bytes are those of the share: a page counts in
// Pages alone.
type NodeStatus struct {
	State       string       `json:"state"`
	Hostname    string       `json:"hostname"`
	DNSName     string       `json:"dns_name"`
	IPs         []string     `json:"ips"`
	NodeID      string       `json:"node_id"`
	KeyNeeded   bool         `json:"key_needed"`
	LastError   string       `json:"last_error"`
	Since       string       `json:"since"`
	Connections int          `json:"connections"`
	Accepted    int64        `json:"accepted"`
	Refused     int64        `json:"refused"`
	BytesIn     int64        `json:"bytes_in"`
	BytesOut    int64        `json:"bytes_out"`
	Pages       int          `json:"pages"`
	Peers       []PeerStatus `json:"peers"`
	// DeviceOnline: one of the devices that may come, idle or not, is connected
	// to the control server; null: not known.
	DeviceOnline *bool `json:"device_online"`
	// LoginChanged lists logins that came with another account than before
	// and were refused; PinsError says why none can be pinned, or "".
	LoginChanged []loginChange `json:"login_changed"`
	PinsError    string        `json:"pins_error"`
	// Systems are what devices that were let in since the start run.
	Systems []SystemStatus `json:"systems"`
}

// PeerStatus is a peer that is connected, or was heard from lately.
type PeerStatus struct {
	Login       string `json:"login"`
	Node        string `json:"node"`
	IP          string `json:"ip"`
	Path        string `json:"path"`     // direct, relay or idle
	Endpoint    string `json:"endpoint"` // ip:port, or the relay's code
	Connections int    `json:"connections"`
	// Visitor: a page is all that it is known to have come for. It may be
	// somebody's phone.
	Visitor bool `json:"visitor"`
}

// statusTimeout bounds the questions to one node.
const statusTimeout = 2 * time.Second

// summary is the status without the nodes: no node is asked for it, so that a
// health check costs the same however many there are.
func summary(w *watcher, started time.Time) Status {
	c, hash, rejected := w.state()
	st := Status{
		Version: 1, ConfigSHA256: hash, Rejected: rejected, StartedAt: timestamp(started),
		Reserve: reserveOf(w.stateDir()), Nodes: map[string]NodeStatus{},
	}
	if c != nil {
		st.MemoryLimit = c.MemoryLimit
	}
	return st
}

// buildStatus collects the status of w's configuration and all nodes.
func buildStatus(ctx context.Context, w *watcher, started time.Time) Status {
	st := summary(w, started)
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, n := range nodes.list() {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			one := n.status(ctx)
			mu.Lock()
			defer mu.Unlock()
			st.Nodes[n.settings.name] = one
		})
	}
	wg.Wait()
	return st
}

func (n *node) status(ctx context.Context) NodeStatus {
	info, session := n.snapshot()
	h := n.hub
	all := h.running()
	conns := only(classShare, all)
	in, out := h.bytes()
	st := NodeStatus{
		State: info.state, Hostname: n.settings.hostname, DNSName: info.dnsName,
		IPs: append([]string{}, info.ips...), NodeID: info.nodeID, KeyNeeded: info.keyNeeded,
		LastError: info.lastError, Since: timestamp(info.since), Connections: len(conns),
		Accepted: h.accepted.Load(), Refused: h.refused.Load(),
		BytesIn: in, BytesOut: out, Pages: len(all) - len(conns),
		Peers: []PeerStatus{},
	}
	st.LoginChanged, st.PinsError = h.pinReport()
	st.Systems = h.seenSystems()
	if session == nil || info.state != stateRunning {
		return st
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if net, err := session.lc.Status(ctx); err == nil {
		st.Peers = peersOf(net, h.identities(conns), h.visitors(time.Now()))
		st.DeviceOnline = deviceOnline(ctx, net, h.guests(), session.isOnline)
	}
	return st
}

func (h *hub) seenSystems() []SystemStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.systems.list()
}

// connected is a peer with running connections.
type connected struct {
	id    identity
	conns int
}

func (h *hub) identities(conns []*conn) map[netip.Addr]connected {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[netip.Addr]connected{}
	for _, c := range conns {
		all[c.src.Addr()] = connected{c.id, all[c.src.Addr()].conns + 1}
	}
	return all
}

// peersOf lists the peers that are connected or active, by address.
func peersOf(st *ipnstate.Status, conns map[netip.Addr]connected, visitors map[netip.Addr]bool) []PeerStatus {
	peers := []PeerStatus{}
	for _, p := range st.Peer {
		n, ip, visits := 0, "", false
		for _, a := range p.TailscaleIPs {
			visits = visits || visitors[a]
			n += conns[a].conns
			if ip == "" || conns[a].conns > 0 {
				ip = a.String()
			}
		}
		if n == 0 && !p.Active && !visits {
			continue
		}
		one := PeerStatus{
			Login: st.User[p.UserID].LoginName, Node: p.HostName, IP: ip, Connections: n,
			Visitor: visits && n == 0,
		}
		if p.Tags != nil && p.Tags.Len() > 0 {
			one.Login = strings.Join(p.Tags.AsSlice(), ",")
		}
		one.Path, one.Endpoint = pathOf(p)
		peers = append(peers, one)
	}
	slices.SortFunc(peers, func(a, b PeerStatus) int { return cmp.Compare(a.IP, b.IP) })
	return peers
}

// pathOf says how packets go to a peer: direct, relay or idle, and by which
// address or relay.
func pathOf(p *ipnstate.PeerStatus) (path, endpoint string) {
	switch {
	case p.CurAddr != "":
		return "direct", p.CurAddr
	case p.Active && p.PeerRelay != "":
		return "relay", p.PeerRelay
	case p.Active && p.Relay != "":
		return "relay", p.Relay
	}
	return "idle", ""
}

func (h *hub) setPathTo(f func(context.Context, netip.Addr) string) {
	h.mu.Lock()
	h.pathTo = f
	h.mu.Unlock()
}

// pathTo tells how a peer is reached now.
func (n *node) pathTo(ctx context.Context, peer netip.Addr) string {
	return cmp.Or(n.peerPaths(ctx)[peer], unknownPath)
}

// peerPaths tells how each peer is reached now.
func (n *node) peerPaths(ctx context.Context) map[netip.Addr]string {
	all := map[netip.Addr]string{}
	_, session := n.snapshot()
	if session == nil {
		return all
	}
	st, err := session.lc.Status(ctx)
	if err != nil {
		return all
	}
	for _, p := range st.Peer {
		path, _ := pathOf(p)
		for _, ip := range p.TailscaleIPs {
			all[ip] = path
		}
	}
	return all
}

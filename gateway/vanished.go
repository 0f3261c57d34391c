package main

import (
	"context"
	"net/netip"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/envknob"
	"tailscale.com/tailcfg"
)

// A Mac that vanished keeps its bundle locked until its connection ends.
// Keep-alive probes (60 s + 9 * 15 s, about 3 minutes; 9 is gVisor's count)
// cover an idle connection. They are not sent while data waits for its
// acknowledgement, and gVisor repeats that for about 17 minutes: so a silent
// peer is also pinged through the tunnel.
const (
	keepAliveIdle     = "60s"
	keepAliveInterval = "15s"
)

var (
	silentAfter  = time.Minute       // then pings begin
	pingEvery    = 20 * time.Second  // while silent
	pingTimeout  = 5 * time.Second   // a peer on a relay answers in well under one
	vanishedTime = 200 * time.Second // silent and no answer for so long: gone
	watchPings   = 5 * time.Second   // at most this often a look at all connections
)

// setKnobs sets what the tailnet library reads from the environment: the
// keep-alive times, unless given, and that nothing is ever uploaded.
func setKnobs() {
	envknob.SetNoLogsNoSupport()
	for name, value := range map[string]string{
		"TS_NETSTACK_KEEPALIVE_IDLE":     keepAliveIdle,
		"TS_NETSTACK_KEEPALIVE_INTERVAL": keepAliveInterval,
	} {
		if envknob.String(name) == "" {
			envknob.Setenv(name, value)
		}
	}
	// Keys come from key files alone; an enrolled node never sends one.
	for _, name := range []string{
		"TS_AUTHKEY", "TS_AUTH_KEY", "TS_CLIENT_SECRET", "TS_CLIENT_ID", "TS_ID_TOKEN",
		"TS_AUDIENCE", "TSNET_FORCE_LOGIN", "TS_CONTROL_URL",
	} {
		envknob.Setenv(name, "")
	}
}

// vanished finds peers that hold connections and are not there any more.
type vanished struct {
	ping     func(ctx context.Context, peer netip.Addr) bool
	answered map[netip.Addr]time.Time
	asked    map[netip.Addr]time.Time
	results  chan pong
	looked   time.Time
}

type pong struct {
	peer netip.Addr
	ok   bool
}

func newVanished(lc *local.Client) *vanished {
	return &vanished{
		ping: func(ctx context.Context, peer netip.Addr) bool {
			r, err := lc.Ping(ctx, peer, tailcfg.PingTSMP)
			return err == nil && r.Err == ""
		},
		answered: map[netip.Addr]time.Time{},
		asked:    map[netip.Addr]time.Time{},
		results:  make(chan pong, 16),
	}
}

// check pings silent peers and cuts the connections of those that vanished.
func (v *vanished) check(ctx context.Context, h *hub) {
	now := time.Now()
	for len(v.results) > 0 {
		if p := <-v.results; p.ok {
			v.answered[p.peer] = now
		}
	}
	if now.Sub(v.looked) < watchPings {
		return
	}
	v.looked = now
	heard := map[netip.Addr]time.Time{}
	for _, c := range h.running() {
		t := time.Unix(0, c.heard.Load())
		if t.After(heard[c.src.Addr()]) {
			heard[c.src.Addr()] = t
		}
	}
	for peer := range v.asked {
		if _, ok := heard[peer]; !ok {
			delete(v.asked, peer)
			delete(v.answered, peer)
		}
	}
	for peer, last := range heard {
		if v.answered[peer].After(last) {
			last = v.answered[peer]
		}
		switch silent := now.Sub(last); {
		case silent >= vanishedTime:
			h.cut(endedPeerVanished, func(c *conn) bool { return c.src.Addr() == peer })
		case silent >= silentAfter && now.Sub(v.asked[peer]) >= pingEvery:
			v.asked[peer] = now
			go v.send(ctx, peer)
		}
	}
}

func (v *vanished) send(ctx context.Context, peer netip.Addr) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	ok := v.ping(ctx, peer)
	select {
	case v.results <- pong{peer, ok}:
	default:
	}
}

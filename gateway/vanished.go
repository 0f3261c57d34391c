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
// TCP does not find out in time: keep-alive probes (60 s + 9 * 15 s; 9 is
// gVisor's count) are not sent while data waits for its acknowledgement, which
// gVisor repeats for about 17 minutes. So a silent peer is also pinged through
// the tunnel, and that decides.
//
// vanishedTime lies between two bounds. A new session has to open the same
// bundle within 3 minutes, and smbd and its client need a few seconds of them.
// And a Mac that slept for a minute with an idle connection must keep it: it
// may have fallen asleep just before a ping, 30 s after it was last heard, and
// needs time to find the way again; with 140 s it may sleep for 90 s and still
// has two pings to answer. Who sleeps longer loses little: macOS gives up a
// Time Machine mount after 30 s of silence by itself.
const (
	keepAliveIdle     = "60s"
	keepAliveInterval = "15s"
)

var (
	silentAfter  = 30 * time.Second  // then pings begin
	pingEvery    = 10 * time.Second  // while no answer came
	pingTimeout  = 5 * time.Second   // a peer on a relay answers in well under one
	vanishedTime = 140 * time.Second // silent and no answer for so long: gone
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
	answered map[netip.Addr]time.Duration // as uptime has it, like all times here
	asked    map[netip.Addr]time.Duration
	results  chan pong
	looked   time.Duration
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
		answered: map[netip.Addr]time.Duration{},
		asked:    map[netip.Addr]time.Duration{},
		results:  make(chan pong, 16),
		looked:   -watchPings,
	}
}

// check pings silent peers and cuts the connections of those that vanished.
func (v *vanished) check(ctx context.Context, h *hub) {
	now := uptime()
	for len(v.results) > 0 {
		if p := <-v.results; p.ok {
			v.answered[p.peer] = now
		}
	}
	if now-v.looked < watchPings {
		return
	}
	v.looked = now
	heard := map[netip.Addr]time.Duration{}
	for _, c := range h.running() {
		last := time.Duration(c.heard.Load())
		if before, ok := heard[c.src.Addr()]; !ok || last > before {
			heard[c.src.Addr()] = last
		}
	}
	for peer := range v.asked {
		if _, ok := heard[peer]; !ok {
			delete(v.asked, peer)
			delete(v.answered, peer)
		}
	}
	for peer, last := range heard {
		if answered, ok := v.answered[peer]; ok && answered > last {
			last = answered
		}
		switch silent := now - last; {
		case silent >= vanishedTime:
			h.cut(endedPeerVanished, func(c *conn) bool { return c.src.Addr() == peer })
		case silent >= silentAfter && now-v.asked[peer] >= pingEvery:
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

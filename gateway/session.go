package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tsnet"
)

var (
	// watchEvery is the pace of a session that has something to watch: state, key
	// file, running connections.
	watchEvery = time.Second
	// recheckEvery: who lost access is cut within 5 s.
	recheckEvery = 2 * time.Second
	// loginGrace is how long a login may be wanted before it counts: a node
	// passes through that state on its way up.
	loginGrace = 2 * time.Second
	// goneFor is how long a refused map poll counts; the client repeats it at
	// least every 30 s.
	goneFor = 75 * time.Second
	// loginRetry is how often an enrolled node without a usable key asks again,
	// for a control server that got its database back.
	loginRetry = 5 * time.Minute
	// farewellTime is long for a packet and short for a person.
	farewellTime = 250 * time.Millisecond
)

// session is one life of a node: one tsnet server.
type session struct {
	node  *node
	key   authKey
	store *stateFile
	lc    *local.Client
	pulse *pulse
	files keyFiles

	mu        sync.Mutex
	lastError string    // of the control client
	refusal   string    // why a login was refused
	goneAt    time.Time // when the control server last did not know the node
	running   bool
}

// run starts the tsnet server, watches it, and returns when the node has to be
// started anew or ctx ends. The server is closed by then.
func (s *session) run(ctx context.Context) outcome {
	cfg := s.node.settings
	srv := &tsnet.Server{
		Dir: cfg.dir, Hostname: cfg.hostname, Port: cfg.port, ControlURL: cfg.controlURL,
		Store: s.store, AuthKey: s.key.secret, Logf: s.logf, UserLogf: s.logf,
	}
	if err := srv.Start(); err != nil {
		closeServer(srv)
		return outcome{err: s.redact(err), state: stateError}
	}
	defer closeServer(srv)
	defer s.farewell()
	defer s.node.hub.cutAll()
	lc, err := srv.LocalClient()
	if err != nil {
		return outcome{err: s.redact(err), state: stateError}
	}
	s.lc = lc
	s.node.hub.watchFlows(flowsOf(srv))
	defer s.node.hub.watchFlows(nil)
	unregister := srv.RegisterFallbackTCPHandler(s.flow)
	defer unregister()
	s.node.mu.Lock()
	s.node.session = s
	s.node.mu.Unlock()
	defer func() {
		s.node.mu.Lock()
		s.node.session = nil
		s.node.mu.Unlock()
	}()
	busCtx, stop := context.WithCancel(ctx)
	defer stop()
	go s.watchErrors(busCtx)
	return s.watch(ctx)
}

// farewell waits for the last packets of connections that were cut to leave:
// a peer that never hears of the end waits for minutes.
func (s *session) farewell() {
	if s.node.hub.accepted.Load() > 0 {
		time.Sleep(farewellTime)
	}
}

// flow takes a new connection to the node. It is called before the handshake,
// with the addresses of the first packet.
func (s *session) flow(src, dst netip.AddrPort) (func(net.Conn), bool) {
	h := s.node.hub
	if !h.wants(src, dst) {
		return nil, true
	}
	return func(c net.Conn) {
		h.handle(c, src, dst, s.whoIs)
		s.pulse.wake()
	}, true
}

// whoIs asks the node who is behind addr.
func (s *session) whoIs(ctx context.Context, addr netip.AddrPort) (identity, error) {
	w, err := s.lc.WhoIs(ctx, addr.String())
	if errors.Is(err, local.ErrPeerNotFound) {
		return identity{}, errPeerGone
	}
	if err != nil {
		return identity{}, err
	}
	if w == nil || w.Node == nil || w.UserProfile == nil {
		return identity{}, errors.New("incomplete answer")
	}
	return identity{
		login: w.UserProfile.LoginName, account: w.UserProfile.ID, tags: w.Node.Tags,
		node: strings.TrimSuffix(w.Node.ComputedName, "."), system: systemOf(w.Node.Hostinfo),
	}, nil
}

// watch follows the node's state until the session has to end.
func (s *session) watch(ctx context.Context) (out outcome) {
	begun := time.Now()
	var wantsLogin, checked time.Time // since when; when last
	failed := map[netip.Addr]int{}
	dead := newVanished(s.lc)
	for {
		st, err := s.pulse.look(ctx, s.lc.StatusWithoutPeers)
		if ctx.Err() != nil {
			return out
		}
		if err == nil {
			if !needsLogin(st) {
				wantsLogin = time.Time{}
			} else if wantsLogin.IsZero() {
				wantsLogin = time.Now()
			}
			if st.BackendState == ipn.Running.String() {
				s.up(st, &out)
			} else {
				s.down(st)
			}
			if s.pulse.keyDue() && s.login(st, wantsLogin, begun, &out) {
				return out
			}
		}
		if time.Since(checked) >= recheckEvery {
			checked = time.Now()
			s.node.hub.recheck(ctx, s.whoIs, failed)
		}
		dead.check(ctx, s.node.hub)
		if !s.pulse.pause(ctx, len(s.node.hub.running()) > 0) {
			return out
		}
	}
}

func needsLogin(st *ipnstate.Status) bool {
	return st.BackendState == ipn.NeedsLogin.String()
}

// up notes a running node; the key it enrolled with is never used again.
func (s *session) up(st *ipnstate.Status, out *outcome) {
	out.wasOnline = true
	if s.key.hash != "" {
		if err := recordKey(s.node.settings.dir, s.key.hash); err != nil {
			s.node.log().Warn("cannot remember that the auth key was used", zap.Error(err))
		}
		s.key.hash = ""
	}
	s.mu.Lock()
	s.running, s.refusal = true, ""
	gone := !s.goneAt.IsZero() && time.Since(s.goneAt) < goneFor
	message := s.lastError
	s.mu.Unlock()
	unsaved := s.store.flush()
	if unsaved == nil && !gone {
		unsaved = s.store.keepCopy()
	}
	s.node.set(func(i *nodeInfo) {
		i.ips = nil
		for _, ip := range st.TailscaleIPs {
			i.ips = append(i.ips, ip.String())
		}
		if st.Self != nil {
			i.dnsName, i.nodeID = strings.TrimSuffix(st.Self.DNSName, "."), string(st.Self.ID)
		}
		if gone {
			i.state, i.keyNeeded, i.lastError = stateNeedsKey, true, "the control server does not know the node: "+message
		} else {
			i.state, i.keyNeeded, i.lastError = stateRunning, false, ""
		}
		if unsaved != nil && i.lastError == "" {
			i.lastError = "the node's state cannot be written: " + unsaved.Error()
		}
	})
}

// down notes a node that is not running yet, or not any more.
func (s *session) down(st *ipnstate.Status) {
	s.mu.Lock()
	s.running = false
	message := s.lastError
	s.mu.Unlock()
	s.node.set(func(i *nodeInfo) {
		switch {
		case st.BackendState == ipn.NeedsMachineAuth.String():
			i.state, i.lastError = stateNeedsLogin, "the node waits for approval on the control server"
		case i.state == stateRunning:
			i.state = stateStarting
		}
		if message != "" && i.state == stateStarting {
			i.lastError = message
		}
	})
}

// closeServer closes a tsnet server, also one that failed to start.
func closeServer(srv *tsnet.Server) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		srv.Close()
	}()
	select {
	case <-done:
	case <-time.After(stopWait):
		logger().Error("a node does not close", zap.String("hostname", srv.Hostname))
	}
}

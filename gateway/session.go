package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
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
	// watchEvery is the pace of a session: state, key file, running connections.
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
)

// Errors of the control client that mean "not without a valid key", as they
// appear in tailscale.com/control/controlclient/direct.go.
var (
	loginRefused = regexp.MustCompile(`register request: http 4(0[0-9]|1[0-9]|22)`)
	nodeUnknown  = regexp.MustCompile(`initial fetch failed 40[0-4]`)
	// liteUpdate is the other request of the control client: Headscale keeps
	// the long poll of a deleted node open, and only this one is refused.
	liteUpdate = regexp.MustCompile(`lite map update error after \S+: (.+)`)
)

// session is one life of a node: one tsnet server.
type session struct {
	node  *node
	key   authKey
	store ipn.StateStore
	lc    *local.Client

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
	defer s.node.hub.cutAll()
	lc, err := srv.LocalClient()
	if err != nil {
		return outcome{err: s.redact(err), state: stateError}
	}
	s.lc = lc
	s.node.hub.caps.watch(flowsOf(srv))
	defer s.node.hub.caps.watch(nil)
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

// flow takes a new connection to the node. It is called before the handshake,
// with the addresses of the first packet.
func (s *session) flow(src, dst netip.AddrPort) (func(net.Conn), bool) {
	h := s.node.hub
	if !h.wants(src, dst) {
		return nil, true
	}
	return func(c net.Conn) { h.handle(c, src, dst, s.whoIs) }, true
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
		login: w.UserProfile.LoginName, tags: w.Node.Tags,
		node: strings.TrimSuffix(w.Node.ComputedName, "."),
	}, nil
}

// watch follows the node's state until the session has to end.
func (s *session) watch(ctx context.Context) (out outcome) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	begun := time.Now()
	var wantsLogin, checked time.Time // since when; when last
	failed := map[netip.Addr]int{}
	dead := newVanished(s.lc)
	for {
		st, err := s.lc.StatusWithoutPeers(ctx)
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
			if end := s.login(wantsLogin, begun, &out); end {
				return out
			}
			if s.offered() {
				out.askAgain = true
				return out
			}
		}
		if time.Since(checked) >= recheckEvery {
			checked = time.Now()
			s.node.hub.recheck(ctx, s.whoIs, failed)
		}
		dead.check(ctx, s.node.hub)
		select {
		case <-ctx.Done():
			return out
		case <-tick.C:
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

// login decides what follows when the control server wants a login. It
// returns true when the session has to end.
func (s *session) login(wanted, begun time.Time, out *outcome) bool {
	s.mu.Lock()
	refusal, running := s.refusal, s.running
	gone := !s.goneAt.IsZero() && time.Since(s.goneAt) < goneFor
	s.mu.Unlock()
	asked := !wanted.IsZero() && time.Since(wanted) >= loginGrace
	if running && !gone || !running && !asked && refusal == "" {
		return false
	}
	if s.key.hash != "" && !running { // a key was sent
		if refusal == "" && !s.urlShown() {
			return false // still on its way
		}
		if refusal == "" {
			refusal = "the control server did not accept the auth key and asks for an interactive login"
		}
		out.err, out.state, out.refused = errors.New(refusal), stateNeedsKey, s.key.hash
		return true
	}
	cfg := s.node.settings
	if key, err := readKey(cfg.keyFile); err == nil && key.hash != lastUsedKey(cfg.dir) {
		s.node.log().Info("the control server wants a login again; using the new auth key")
		out.newKey = true
		return true
	}
	if refusal == "" {
		refusal = "the control server wants a login again"
	}
	if !running {
		s.node.set(func(i *nodeInfo) {
			i.state, i.keyNeeded, i.lastError = stateNeedsKey, true, refusal+": put a new auth key in place"
		})
	}
	if time.Since(begun) >= loginRetry && !running {
		out.err, out.state = errors.New(refusal), stateNeedsKey
		return true
	}
	return false
}

// offered reports, once for each key, that an unused key lies there although
// the node runs and nobody is connected: somebody knows that the control
// server lost the node, which the server itself tells only minutes later.
func (s *session) offered() bool {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	n := s.node
	if !running || len(n.hub.running()) > 0 {
		return false
	}
	key, err := readKey(n.settings.keyFile)
	if err != nil || key.hash == lastUsedKey(n.settings.dir) || key.hash == n.offered {
		return false
	}
	n.offered = key.hash
	n.log().Info("a new auth key is there; asking the control server whether it is needed")
	return true
}

// urlShown reports whether the control server offers an interactive login.
func (s *session) urlShown() bool {
	ctx, cancel := context.WithTimeout(context.Background(), whoIsTimeout)
	defer cancel()
	st, err := s.lc.StatusWithoutPeers(ctx)
	return err == nil && st.AuthURL != ""
}

// watchErrors notes messages of the control server that are meant for people.
func (s *session) watchErrors(ctx context.Context) {
	bus, err := s.lc.WatchIPNBus(ctx, ipn.NotifyInitialState)
	if err != nil {
		return
	}
	defer bus.Close()
	for {
		n, err := bus.Next()
		if err != nil {
			return
		}
		if n.ErrMessage != nil && !strings.Contains(*n.ErrMessage, "rate limited") {
			s.mu.Lock()
			if !s.running {
				s.refusal = s.redactString(*n.ErrMessage)
			}
			s.mu.Unlock()
		}
	}
}

// logf takes the node's own chatter: DEBUG, but for the control errors in it,
// which are the one place that tells why a node is not up.
func (s *session) logf(format string, a ...any) {
	line := s.redactString(strings.TrimSpace(fmt.Sprintf(format, a...)))
	if _, message, ok := strings.Cut(line, "Received error: "); ok {
		s.note(message)
	} else if found := liteUpdate.FindStringSubmatch(line); found != nil {
		s.note(found[1])
	}
	s.node.log().Debug(line)
}

func (s *session) note(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastError = message
	if loginRefused.MatchString(message) {
		s.refusal = message
	}
	if nodeUnknown.MatchString(message) {
		s.goneAt = time.Now()
	}
}

func (s *session) redact(err error) error { return errors.New(s.redactString(err.Error())) }

func (s *session) redactString(text string) string {
	if s.key.secret != "" {
		text = strings.ReplaceAll(text, s.key.secret, "[auth key]")
	}
	return text
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

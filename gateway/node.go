package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
)

// States of a node, as the status shows them.
const (
	stateStarting   = "starting"
	stateRunning    = "running"
	stateNeedsKey   = "needs_key"
	stateNeedsLogin = "needs_login"
	stateStopped    = "stopped"
	stateError      = "error"
)

// Times of a node's life; tests shorten some.
var (
	retryMin = 2 * time.Second
	retryMax = 5 * time.Minute
	// keyPoll is how often a key file is looked at while a key is needed.
	keyPoll = time.Second
	// stopWait bounds the wait for a node that does not end.
	stopWait = 20 * time.Second
)

// settings are what a node cannot change while it runs. Two equal ones are
// the same node.
type settings struct {
	name, controlURL, dir, hostname, keyFile string
	port                                     uint16
}

func settingsOf(c *Config, name string) settings {
	n := c.Nodes[name]
	return settings{
		name: name, controlURL: c.ControlURL, dir: filepath.Join(c.StateDir, name),
		hostname: n.Hostname, keyFile: n.AuthKeyFile, port: n.Port,
	}
}

// node keeps one device of the tailnet alive: it starts it, waits for a key
// where one is needed, and tries again for ever.
type node struct {
	settings settings
	hub      *hub
	cancel   context.CancelFunc
	done     chan struct{}
	offered  string // hash of the key that the control server was asked about; of the running session

	mu      sync.Mutex
	info    nodeInfo
	session *session // the running one, or nil
}

// nodeInfo is what is known about a node.
type nodeInfo struct {
	state, lastError, dnsName, nodeID string
	ips                               []string
	keyNeeded                         bool
	since                             time.Time
}

// startNode starts a node in the background, once after (if any) is closed.
func startNode(s settings, h *hub, after <-chan struct{}) *node {
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{settings: s, hub: h, cancel: cancel, done: make(chan struct{})}
	n.info = nodeInfo{state: stateStarting, since: time.Now()}
	h.setPathTo(n.pathTo)
	go n.run(ctx, after)
	return n
}

// outcome says how a session ended and what the next one needs.
type outcome struct {
	err       error
	state     string // shown until the next try
	refused   string // hash of a key that the control server refused
	newKey    bool   // a login is wanted and an unused key is there: go on at once
	askAgain  bool   // a key is there that may not be needed: register without it first
	wasOnline bool
}

func (n *node) run(ctx context.Context, after <-chan struct{}) {
	defer close(n.done)
	if after != nil {
		select {
		case <-after:
		case <-time.After(stopWait):
			n.log().Error("the node's former life does not end; starting anyway")
		}
	}
	login, pause := false, retryMin
	for ctx.Err() == nil {
		out := n.try(ctx, login)
		if ctx.Err() != nil {
			break
		}
		login = out.newKey || (login && !out.wasOnline)
		if out.newKey || out.askAgain {
			pause = retryMin
			continue
		}
		if out.wasOnline {
			pause = retryMin
		}
		n.set(func(i *nodeInfo) {
			i.state, i.keyNeeded = out.state, out.state == stateNeedsKey
			if out.err != nil {
				i.lastError = out.err.Error()
			}
		})
		if n.wait(ctx, pause, out) {
			pause = retryMin
		} else {
			pause = min(2*pause, retryMax)
		}
	}
	n.set(func(i *nodeInfo) { i.state = stateStopped })
	n.log().Info("node stopped")
}

// wait pauses between two tries. It ends early, and returns true, when the
// key file's content changes in a way that may help.
func (n *node) wait(ctx context.Context, pause time.Duration, out outcome) bool {
	had, _ := readKey(n.settings.keyFile)
	if out.refused != "" {
		had.hash = out.refused
	}
	deadline := time.After(pause)
	tick := time.NewTicker(keyPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-deadline:
			return false
		case <-tick.C:
			if now, err := readKey(n.settings.keyFile); err == nil && now.hash != had.hash {
				return true
			}
		}
	}
}

// try runs the node once. With login a key is used even though the state
// holds an enrolled node: the control server wants a new login.
func (n *node) try(ctx context.Context, login bool) outcome {
	if err := thisHost.check(filepath.Dir(n.settings.dir)); err != nil {
		return outcome{err: err, state: stateError}
	}
	n.set(func(i *nodeInfo) {
		if i.state == stateStopped || i.state == stateError || i.state == stateRunning {
			i.state = stateStarting
		}
	})
	store, err := openState(n.settings, n.log())
	if errors.Is(err, errDamaged) {
		return outcome{err: err, state: stateNeedsKey}
	}
	if err != nil {
		return outcome{err: err, state: stateError}
	}
	var key authKey
	if isEnrolled := enrolled(store); !isEnrolled || login {
		key, err = readKey(n.settings.keyFile)
		if err == nil && isEnrolled && key.hash == lastUsedKey(n.settings.dir) {
			key, err = authKey{}, errors.New("the auth key was used before")
		}
		if err != nil && !isEnrolled {
			return outcome{err: err, state: stateNeedsKey}
		}
	}
	s := &session{node: n, key: key, store: store, pulse: newPulse()}
	return s.run(ctx)
}

// set changes what is known about the node, and logs a new state or error.
func (n *node) set(change func(*nodeInfo)) {
	n.mu.Lock()
	old := n.info
	change(&n.info)
	if n.info.state != old.state {
		n.info.since = time.Now()
	}
	now := n.info
	n.mu.Unlock()
	if now.state == old.state && now.lastError == old.lastError {
		return
	}
	fields := []zap.Field{zap.String("state", now.state), zap.Strings("ips", now.ips)}
	if now.lastError != "" {
		fields = append(fields, zap.String("error", now.lastError))
	}
	switch now.state {
	case stateRunning:
		n.log().Info("node is up", fields...)
	case stateStarting, stateStopped:
		if now.lastError != "" {
			n.log().Info("node is not up yet", fields...)
		}
	default:
		n.log().Warn("node is not up", fields...)
	}
}

func (n *node) snapshot() (nodeInfo, *session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.info, n.session
}

func (n *node) log() *zap.Logger {
	return logger().With(zap.String("node", n.settings.name), zap.String("hostname", n.settings.hostname))
}

package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// handOver is how long a connection waits for a route to accept it.
	handOver = 2 * time.Second
	// whoIsTimeout bounds one identity check.
	whoIsTimeout = 5 * time.Second
)

// errPeerGone means that the tailnet does not know the peer (any more).
var errPeerGone = errors.New("peer is not in the tailnet")

// whoIs tells who is behind an address of the tailnet.
type whoIs func(ctx context.Context, addr netip.AddrPort) (identity, error)

// hub is where a node's connections meet the routes that want them. It
// outlives both: a node may restart and a route may change.
type hub struct {
	name string

	mu        sync.Mutex
	removed   bool
	allow     allowList
	pins      *pins
	listeners map[uint16][]*listener // newest last
	conns     map[*conn]struct{}
	pending   map[pendingOf]int // being checked
	nPending  [classes]int
	caps      [classes]*caps
	refusals  *peerLimit
	ends      [classes]*peerLimit
	pathTo    func(context.Context, netip.Addr) string // how a peer is reached
	systems   systems
	visits    visits

	accepted, refused atomic.Int64
	bytesIn, bytesOut atomic.Int64 // of connections that are over
	tally
	pages pageTally
}

func newHub(name string) *hub {
	return &hub{
		name:      name,
		pins:      newPins("", 0),
		listeners: map[uint16][]*listener{},
		conns:     map[*conn]struct{}{},
		pending:   map[pendingOf]int{},
		caps:      [classes]*caps{newCaps(name), newCaps(name)},
		refusals:  newPeerLimit(1, refusalEvery),
		ends:      [classes]*peerLimit{newPeerLimit(endBurst, endEvery), newPeerLimit(endBurst, endEvery)},
		systems:   systems{},
		visits:    visits{},
		tally:     newTally(name),
	}
}

// handle checks a connection and hands it to its route. The addresses are
// those of the first packet: the connection's own are nil once it is reset.
func (h *hub) handle(raw net.Conn, src, dst netip.AddrPort, who whoIs) {
	c := newConn(h, raw, src, dst)
	defer func() {
		if r := recover(); r != nil {
			c.end(endedInternal)
			c.Close()
			logger().Error("connection failed", zap.String("node", h.name), zap.Any("panic", r))
		}
	}()
	if !h.admit(c, who) || !h.deliver(c) {
		c.end(endedNoRoute)
		c.Close()
	}
}

// admit finds out who the peer is and enters the connection if it is allowed.
func (h *hub) admit(c *conn, who whoIs) bool {
	peer, of := c.src.Addr(), classOf(c.dst)
	h.mu.Lock()
	if reason := h.fullLocked(peer, of); reason != notRefused {
		h.refuseLocked(peer, "", reason, "")
		h.mu.Unlock()
		return false
	}
	h.pending[pendingOf{peer, of}]++
	h.nPending[of]++
	h.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), whoIsTimeout)
	defer cancel()
	id, err := who(ctx, c.src)
	var unpinned error
	if err == nil {
		unpinned = h.claim(id)
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	h.nPending[of]--
	if h.pending[pendingOf{peer, of}]--; h.pending[pendingOf{peer, of}] == 0 {
		delete(h.pending, pendingOf{peer, of})
	}
	switch {
	case h.removed:
		return false
	case err != nil:
		h.refuseLocked(peer, "", refusedUnknownPeer, err.Error())
		return false
	case !h.allow.permits(id):
		h.refuseLocked(peer, id.String(), refusedNotAllowed, "")
		return false
	case unpinned != nil:
		h.refuseLocked(peer, id.String(), refusalOf(unpinned), unpinned.Error())
		return false
	}
	c.id = id
	h.conns[c] = struct{}{}
	if of == classPage {
		h.pages.accepted.Add(1)
	} else {
		h.accepted.Add(1)
	}
	h.caps[of].admitted(peer)
	h.systems.saw(id, time.Now())
	return true
}

// refuseLocked counts a refusal and logs it; detail may be empty.
func (h *hub) refuseLocked(peer netip.Addr, who string, reason refusal, detail string) {
	h.refused.Add(1)
	h.refusedBy[reason].Add(1)
	if skipped, ok := h.refusals.allow(peer, time.Now()); ok {
		logger().Info("refused peer", zap.String("node", h.name), zap.Stringer("peer", peer),
			zap.String("who", who), zap.Stringer("reason", reason), zap.String("detail", detail),
			zap.Int("not_logged", skipped))
	}
}

// deliver hands c to the newest listener of its port.
func (h *hub) deliver(c *conn) bool {
	timeout := time.NewTimer(handOver)
	defer timeout.Stop()
	for {
		h.mu.Lock()
		stack := h.listeners[c.dst.Port()]
		if h.removed || len(stack) == 0 {
			h.mu.Unlock()
			return false
		}
		l := stack[len(stack)-1]
		h.mu.Unlock()
		select {
		case l.queue <- c:
			return true
		case <-l.done: // closed meanwhile: the next one
		case <-timeout.C:
			return false
		}
	}
}

// running returns the running connections, of every class.
func (h *hub) running() []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*conn, 0, len(h.conns))
	for c := range h.conns {
		all = append(all, c)
	}
	return all
}

// watchFlows tells where the connections' state can be seen: f is nil when the
// node ends.
func (h *hub) watchFlows(f flows) {
	for _, c := range h.caps {
		c.watch(f)
	}
}

func (h *hub) cutAll() {
	why := endedNodeStopped
	if stopping.Load() {
		why = endedGatewayStopping
	}
	h.cut(why, func(*conn) bool { return true })
}

// remove ends the hub with its node: nothing is accepted from now on.
func (h *hub) remove() {
	h.mu.Lock()
	h.removed = true
	h.mu.Unlock()
	h.cutAll()
}

// listen adds a listener for port. While several exist, during a reload, the
// newest gets the connections.
func (h *hub) listen(port uint16) *listener {
	l := &listener{hub: h, port: port, queue: make(chan net.Conn), done: make(chan struct{})}
	h.mu.Lock()
	h.listeners[port] = append(h.listeners[port], l)
	h.mu.Unlock()
	return l
}

func (h *hub) unlisten(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners[l.port] = slices.DeleteFunc(h.listeners[l.port], func(o *listener) bool { return o == l })
	if len(h.listeners[l.port]) == 0 {
		delete(h.listeners, l.port)
	}
}

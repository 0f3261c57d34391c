package main

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
)

// caps bounds what the peers of one node can use up together, besides the
// number of its connections (see fullLocked): how often they connect, how many
// connections are half open or wait for an upstream, and what the running ones
// keep in buffers. Its lock is taken inside the hub's, never around it.
type caps struct {
	name string

	mu       sync.Mutex
	rates    rates
	opening  opening
	buffers  buffers
	flows    flows // nil while the node does not run
	failures *peerLimit
}

func newCaps(name string) *caps {
	return &caps{
		name: name, rates: newRates(), opening: opening{}, buffers: buffers{},
		failures: newPeerLimit(1, refusalEvery),
	}
}

// begin reports whether one more connection may begin, and counts it.
func (c *caps) begin(src, dst netip.AddrPort, now time.Time) refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.rates.knows(src.Addr())
	if !c.opening.room(src.Addr(), known, c.flows, now) {
		return refusedOpening
	}
	if !c.rates.take(src.Addr(), now) {
		return refusedRate
	}
	c.opening[src] = begun{dst: dst, at: now}
	return notRefused
}

// admitted notes that a peer was let in once.
func (c *caps) admitted(peer netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rates.know(peer)
}

// watch tells where the connections' state can be seen: f is nil when the node
// ends.
func (c *caps) watch(f flows) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flows = f
}

// joined notes that a connection has its upstream.
func joined(raw net.Conn, up *net.TCPConn) {
	own, ok := raw.(*conn)
	if !ok {
		return
	}
	c := own.hub.caps
	c.mu.Lock()
	delete(c.opening, own.src)
	c.buffers.add(own, c.flows)
	size := c.buffers[own]
	c.mu.Unlock()
	if size != 0 {
		up.SetReadBuffer(size)
		up.SetWriteBuffer(size)
	}
}

// over notes that a connection has ended, whatever came of it.
func (c *caps) over(own *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.opening[own.src]; ok && b.dst == own.dst {
		delete(c.opening, own.src)
	}
	c.buffers.remove(own, c.flows)
}

// relayFailed takes the error of a relay: layer 4 would log each one as an
// error, a line for every try of a client while its server is away.
func relayFailed(raw net.Conn, err error) error {
	own, ok := raw.(*conn)
	if !ok || err == nil {
		return err
	}
	c := own.hub.caps
	c.mu.Lock()
	skipped, log := c.failures.allow(own.src.Addr(), time.Now())
	c.mu.Unlock()
	if log {
		logger().Error("relay failed", zap.String("node", c.name), zap.Stringer("peer", own.src.Addr()),
			zap.Error(err), zap.Int("not_logged", skipped))
	}
	return nil
}

package main

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
)

// caps bounds what the peers of one node can use up together with connections
// of one class, besides the number of those (see fullLocked): how often they
// connect, how many are half open or wait for an upstream, and what the running
// ones keep in buffers. Its lock is taken inside the hub's, never around it.
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
func joined(raw, up net.Conn) {
	own, ok := raw.(*conn)
	if !ok {
		return
	}
	if size := own.caps().opened(own); size != 0 {
		if up, ok := up.(interface {
			SetReadBuffer(int) error
			SetWriteBuffer(int) error
		}); ok {
			up.SetReadBuffer(size)
			up.SetWriteBuffer(size)
		}
	}
}

// opened takes a connection from those that are opening and returns the size
// of its buffers, or 0 for what they are.
func (c *caps) opened(own *conn) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.opening, own.src)
	if classOf(own.dst) == classPage {
		if c.flows != nil {
			c.flows.resize(own.src, own.dst, pageBuffer)
		}
		return pageBuffer
	}
	c.buffers.add(own, c.flows)
	return c.buffers[own]
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
	c := own.caps()
	c.mu.Lock()
	skipped, log := c.failures.allow(own.src.Addr(), time.Now())
	c.mu.Unlock()
	if log {
		logger().Error("relay failed", zap.String("node", c.name), zap.Stringer("peer", own.src.Addr()),
			zap.Error(err), zap.Int("not_logged", skipped))
	}
	return nil
}

package main

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a checked connection. Its addresses are fixed when it is accepted,
// because those of a reset connection of the userspace network are nil, and a
// panic below it is an error of this connection alone.
type conn struct {
	net.Conn
	hub      *hub
	src, dst netip.AddrPort
	id       identity // guarded by hub.mu
	opened   time.Time
	in, out  atomic.Int64 // bytes from and to the peer
	once     sync.Once
	heard    atomic.Int64  // when the peer last sent something, as uptime has it
	ended    atomic.Uint32 // an ending: the first one noted
}

func newConn(h *hub, raw net.Conn, src, dst netip.AddrPort) *conn {
	c := &conn{Conn: raw, hub: h, src: src, dst: dst, opened: time.Now()}
	c.heard.Store(int64(uptime()))
	return c
}

// caps are the bounds that c counts for.
func (c *conn) caps() *caps { return c.hub.caps[classOf(c.dst)] }

func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.src) }
func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.dst) }

func (c *conn) Read(p []byte) (n int, err error) {
	defer contain(&err)
	n, err = c.Conn.Read(p)
	if n > 0 {
		c.in.Add(int64(n))
		c.heard.Store(int64(uptime()))
	}
	if err != nil {
		c.end(ioEnding(err))
	}
	return n, err
}

func (c *conn) Write(p []byte) (n int, err error) {
	defer contain(&err)
	n, err = c.Conn.Write(p)
	c.out.Add(int64(n))
	if err != nil {
		c.end(ioEnding(err))
	}
	return n, err
}

// end notes why the connection ends, before it is closed: what follows from
// the first reason does not count.
func (c *conn) end(why ending) { c.ended.CompareAndSwap(uint32(notEnded), uint32(why)) }

// CloseWrite ends the direction to the peer, as the upstream did with its own.
func (c *conn) CloseWrite() (err error) {
	defer contain(&err)
	c.end(endedUpstreamClosed)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// Close ends both directions. Nobody closes without a reason noted, but for the
// relay when the upstream fails.
func (c *conn) Close() (err error) {
	defer contain(&err)
	c.end(endedUpstreamFailed)
	c.once.Do(func() {
		c.hub.forget(c)
		c.caps().over(c)
		err = c.Conn.Close()
	})
	return err
}

func (c *conn) SetDeadline(t time.Time) (err error) {
	defer contain(&err)
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) (err error) {
	defer contain(&err)
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) (err error) {
	defer contain(&err)
	return c.Conn.SetWriteDeadline(t)
}

// contain turns a panic into an error.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("connection failed: %v", r)
	}
}

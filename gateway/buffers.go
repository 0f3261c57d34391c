package main

import (
	"io"
	"math/bits"

	"github.com/mholt/caddy-l4/layer4"
)

// What the running connections of a node may keep in the userspace network's
// buffers. Left alone, each grows to 6 MiB towards the peer and 8 MiB from it
// (tailscale.com/wgengine/netstack), which a peer that reads nothing can make
// it hold 128 times.
const (
	// roomyConns is how many connections of a node have buffers as large as
	// their path asks for: more than the Macs of one person open.
	roomyConns = 8
	// nodeBuffers is what the connections share once there are more.
	nodeBuffers = 64 << 20
	// leastBuffer still carries 5 MB/s over a path of 12 ms.
	leastBuffer = 64 << 10
	// roomyBuffer is what a connection gets that had a share, when there are few
	// again: its buffers do not grow by themselves any more.
	roomyBuffer = 4 << 20
	// sharedPiece is the size of one copy of a connection that has a share.
	sharedPiece = 16 << 10
)

// bufferShare is the size of each of a connection's two buffers while a node
// has n: a power of two, so that it seldom changes; 0 leaves them alone.
func bufferShare(n int) int {
	if n <= roomyConns {
		return 0
	}
	return max(leastBuffer, 1<<(bits.Len(uint(nodeBuffers/2/n))-1))
}

// buffers holds the size that each connection was given, 0 for its own.
type buffers map[*conn]int

func (b buffers) add(c *conn, f flows) {
	b[c] = 0
	b.rebalance(f)
}

func (b buffers) remove(c *conn, f flows) {
	if _, ok := b[c]; ok {
		delete(b, c)
		b.rebalance(f)
	}
}

// rebalance gives every connection its share.
func (b buffers) rebalance(f flows) {
	share := bufferShare(len(b))
	for c, had := range b {
		want := share
		if share == 0 && had != 0 {
			want = roomyBuffer
		}
		if want != had && f != nil {
			b[c] = want
			f.resize(c.src, c.dst, want)
		}
	}
}

// copyBuffer returns the buffer of one direction of a relay, and what gives it
// back. A connection beyond the first roomyConns of its node gets a small one:
// it is held for as long as the connection lives.
func copyBuffer(dst io.Writer, src io.Reader) (buf []byte, done func()) {
	if hasShare(dst) || hasShare(src) {
		return make([]byte, sharedPiece), func() {}
	}
	whole := relayBuffers.Get().(*[relayBuffer]byte)
	return whole[:], func() { relayBuffers.Put(whole) }
}

// hasShare reports whether an end of a relay is a peer's connection that was
// given a share of its node's buffers, or one to a page, which is small.
func hasShare(end any) bool {
	cx, _ := end.(*layer4.Connection)
	if cx == nil {
		return false
	}
	own, ok := cx.Conn.(*conn)
	if !ok {
		return false
	}
	if classOf(own.dst) == classPage {
		return true
	}
	c := own.caps()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buffers[own] != 0
}

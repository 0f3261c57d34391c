package main

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// A Mac opens a few connections for a backup: endBurst lines of a peer are
	// logged at once, then one each endEvery.
	endBurst = 20
	endEvery = 6 * time.Second
	// refusalEvery: a refusal tells little, so one line a peer and minute.
	refusalEvery = time.Minute
	// pathTimeout bounds the question for a peer's path at the end of its
	// connection.
	pathTimeout = time.Second
	unknownPath = "unknown"
)

// stopping is set when the process ends.
var stopping atomic.Bool

// record is what the log tells of a connection that is over.
type record struct {
	id      identity
	path    string // direct, relay, idle or unknown
	seconds float64
	reason  ending
	skipped int
}

// message is the log line's: whoever counts backups must not count a browser.
func (record) message(c *conn) string {
	if classOf(c.dst) == classPage {
		return "page closed"
	}
	return "connection ended"
}

// fields are the log line's. Names come from peers: the JSON encoder escapes
// what could break a line.
func (r record) fields(c *conn) []zap.Field {
	return []zap.Field{
		zap.String("node", c.hub.name), zap.String("who", r.id.String()), zap.String("peer_node", r.id.node),
		zap.Stringer("peer", c.src.Addr()), zap.String("path", r.path),
		zap.String("opened", timestamp(c.opened)), zap.Float64("seconds", math.Round(r.seconds*1000)/1000),
		zap.Int64("bytes_in", c.in.Load()), zap.Int64("bytes_out", c.out.Load()),
		zap.Stringer("reason", r.reason), zap.Int("not_logged", r.skipped),
	}
}

// forget takes a connection that is over out of the books, counts it and logs
// it. One that was never entered is not counted.
func (h *hub) forget(c *conn) {
	now := time.Now()
	h.mu.Lock()
	if _, entered := h.conns[c]; !entered {
		h.mu.Unlock()
		return
	}
	delete(h.conns, c)
	of := classOf(c.dst)
	if of == classPage {
		h.visits.saw(c.src.Addr(), now)
	} else {
		h.bytesIn.Add(c.in.Load())
		h.bytesOut.Add(c.out.Load())
	}
	r := record{id: c.id, path: unknownPath, seconds: now.Sub(c.opened).Seconds(), reason: ending(c.ended.Load())}
	var logged bool
	r.skipped, logged = h.ends[of].allow(c.src.Addr(), now)
	pathTo := h.pathTo
	h.mu.Unlock()
	if of == classShare {
		h.endedBy[r.reason].Add(1)
		h.durations.Observe(r.seconds)
	}
	if !logged {
		return
	}
	if r.reason == endedNodeStopped || r.reason == endedGatewayStopping || pathTo == nil {
		logger().Info(r.message(c), r.fields(c)...) // nobody is left to ask for the path
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), pathTimeout)
		defer cancel()
		r.path = pathTo(ctx, c.src.Addr())
		logger().Info(r.message(c), r.fields(c)...)
	}()
}

// bytes returns what all connections to the node's share, running or over,
// have carried. It never goes back.
func (h *hub) bytes() (in, out int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	in, out = h.bytesIn.Load(), h.bytesOut.Load()
	for c := range h.conns {
		if classOf(c.dst) == classShare {
			in += c.in.Load()
			out += c.out.Load()
		}
	}
	return in, out
}

// ioEnding is what an error of reading from or writing to the peer means.
func ioEnding(err error) ending {
	switch {
	case errors.Is(err, io.EOF):
		return endedPeerClosed
	case errors.Is(err, os.ErrDeadlineExceeded): // set by layer 4 while it looks for a route
		return notEnded
	case strings.Contains(err.Error(), "operation timed out"): // gvisor.dev/gvisor/pkg/tcpip, ErrTimeout: keep-alive
		return endedPeerVanished
	default:
		return endedPeerReset
	}
}

// dialed counts a try to reach the upstream for the connection c.
func dialed(c net.Conn, began time.Time, err error) {
	own, ok := c.(*conn)
	if !ok {
		return
	}
	if err != nil {
		own.end(endedUpstreamDown)
	}
	h := own.hub
	switch page := classOf(own.dst) == classPage; {
	case page && err != nil:
		h.pages.dialFailures.Add(1)
	case !page:
		h.dials.Observe(time.Since(began).Seconds())
		if err != nil {
			h.dialFailures.Add(1)
		}
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

// admitted enters a connection of 100.64.2.N and returns it with its far end.
func admitted(t *testing.T, h *hub, id identity, n byte) (*conn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { far.Close() })
	c := newConn(h, near, netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, 64, 2, n}), 50000), testDst)
	if !h.admit(c, func(context.Context, netip.AddrPort) (identity, error) { return id, nil }) {
		t.Fatal("refused")
	}
	return c, far
}

func TestNamesOfPeersCannotBreakALogLine(t *testing.T) {
	h := newHub("alice")
	hostile := "mac\n{\"node\":\"bob\"}\x1b[2J\x00\"\r"
	c := newConn(h, nil, testSrc, testDst)
	r := record{id: identity{login: hostile, node: hostile}, path: "direct", reason: endedPeerReset}
	enc := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg", LineEnding: "\n"})
	line, err := enc.EncodeEntry(zapcore.Entry{Message: "connection ended"}, r.fields(c))
	if err != nil {
		t.Fatal(err)
	}
	if body := strings.TrimSuffix(line.String(), "\n"); strings.ContainsFunc(body, func(r rune) bool { return r < ' ' }) {
		t.Errorf("%q", body)
	}
	var back map[string]any
	if err := json.Unmarshal(line.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back["who"] != hostile || back["peer_node"] != hostile || back["node"] != "alice" || back["reason"] != "peer_reset" {
		t.Errorf("%v", back)
	}
}

func TestTheFirstReasonOfAnEndCounts(t *testing.T) {
	boom := errors.New("connection reset by peer")
	for _, c := range []struct {
		name string
		do   func(*hub, *conn, net.Conn)
		want ending
	}{
		{"the peer closes", func(_ *hub, c *conn, far net.Conn) { far.Close(); c.Read(make([]byte, 1)) }, endedPeerClosed},
		{"the peer resets", func(_ *hub, c *conn, _ net.Conn) { c.end(ioEnding(boom)) }, endedPeerReset},
		{"the way to the peer is silent", func(_ *hub, c *conn, _ net.Conn) {
			c.end(ioEnding(&net.OpError{Op: "read", Err: errors.New("operation timed out")}))
		}, endedPeerVanished},
		{"the upstream closes, then the peer", func(_ *hub, c *conn, far net.Conn) {
			c.CloseWrite()
			far.Close()
			c.Read(make([]byte, 1))
		}, endedUpstreamClosed},
		{"the upstream breaks off", func(*hub, *conn, net.Conn) {}, endedUpstreamFailed},
		{"the upstream is not there", func(_ *hub, c *conn, _ net.Conn) { dialed(c, time.Now(), syscall.ECONNREFUSED) }, endedUpstreamDown},
		{"a look for a route runs out of time", func(_ *hub, c *conn, far net.Conn) {
			c.SetReadDeadline(time.Now().Add(-time.Second))
			c.Read(make([]byte, 1))
			c.SetReadDeadline(time.Time{})
			far.Close()
			c.Read(make([]byte, 1))
		}, endedPeerClosed},
		{"access is lost", func(h *hub, _ *conn, _ net.Conn) { h.setAllow(newAllowList(nil)) }, endedAccessLost},
		{"the node stops", func(h *hub, _ *conn, _ net.Conn) { h.remove() }, endedNodeStopped},
		{"the gateway stops", func(h *hub, _ *conn, _ net.Conn) {
			stopping.Store(true)
			defer stopping.Store(false)
			h.remove()
		}, endedGatewayStopping},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHub("alice")
			h.setAllow(newAllowList([]string{"alice"}))
			one, far := admitted(t, h, identity{login: "alice", account: 1}, 1)
			c.do(h, one, far)
			one.Close()
			for e := range endings {
				want := int64(0)
				if e == c.want {
					want = 1
				}
				if got := h.endedBy[e].Load(); got != want {
					t.Errorf("%s: %d", e, got)
				}
			}
		})
	}
}

func TestAFloodOfConnectionsDoesNotFloodTheLog(t *testing.T) {
	l := newPeerLimit(endBurst, endEvery)
	now, lines, skipped := time.Now(), 0, 0
	for range 10_000 {
		now = now.Add(time.Millisecond)
		if n, ok := l.allow(testSrc.Addr(), now); ok {
			lines++
			skipped += n
		}
	}
	if lines < endBurst || lines > endBurst+2 {
		t.Errorf("%d lines in 10 s", lines)
	}
	if n, ok := l.allow(testSrc.Addr(), now.Add(endEvery)); !ok || skipped+n != 10_000-lines {
		t.Errorf("%d left out, %v", skipped+n, ok)
	}
	for i := range 10 * limitedPeers {
		l.allow(netip.AddrFrom4([4]byte{100, 65, byte(i >> 8), byte(i)}), now)
	}
	if len(l.peers) > limitedPeers {
		t.Errorf("%d peers are remembered", len(l.peers))
	}
}

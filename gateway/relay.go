package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/mholt/caddy-l4/layer4"
)

const (
	// dialFor is how long an upstream may be away: a Samba container that is
	// being recreated is back within it.
	dialFor   = 5 * time.Second
	dialPause = 100 * time.Millisecond
	// relayBuffer is the size of one copy: with 8 to 32 KiB uploads are a
	// tenth slower.
	relayBuffer = 256 << 10
	// lingerFor is how long a peer may keep its half of a connection whose
	// other half the upstream has ended.
	lingerFor = time.Minute
)

func init() { caddy.RegisterModule(new(Relay)) }

// Relay is the layer-4 handler "relay": it joins a connection to one upstream.
type Relay struct {
	// Upstream is what to connect to: ip:port, or unix/ and the absolute path
	// of a page's socket (see checkUpstream).
	Upstream string `json:"upstream"`
}

// CaddyModule names the module for Caddy.
func (*Relay) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "layer4.handlers.relay", New: func() caddy.Module { return new(Relay) }}
}

// Provision checks the upstream.
func (r *Relay) Provision(caddy.Context) error {
	if err := checkUpstream(r.Upstream); err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	return nil
}

// Handle relays cx until both directions have ended. It is the end of its
// route.
func (r *Relay) Handle(cx *layer4.Connection, _ layer4.Handler) (err error) {
	defer contain(&err)
	began := time.Now()
	up, err := dialUpstream(r.Upstream)
	dialed(cx.Conn, began, err)
	if err != nil {
		return relayFailed(cx.Conn, err)
	}
	defer up.Close()
	joined(cx.Conn, up)
	uploaded := make(chan struct{})
	go func() {
		defer close(uploaded)
		copyHalf(up, cx, cx, up)
	}()
	copyHalf(cx, up, cx, up)
	select {
	case <-uploaded:
	case <-time.After(lingerFor):
		cx.Close()
		up.Close()
		<-uploaded
	}
	return nil
}

var relayBuffers = sync.Pool{New: func() any { return new([relayBuffer]byte) }}

// copyHalf copies one direction. A clean end is passed on as a half-close, a
// failure ends both connections.
func copyHalf(dst io.Writer, src io.Reader, a, b net.Conn) {
	err := copyAll(dst, src)
	if err == nil {
		err = closeWrite(dst)
	}
	if err != nil {
		a.Close()
		b.Close()
	}
}

func copyAll(dst io.Writer, src io.Reader) (err error) {
	defer contain(&err)
	buf, done := copyBuffer(dst, src)
	defer done()
	for {
		n, rerr := src.Read(buf)
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return werr
			}
		}
		if errors.Is(rerr, io.EOF) {
			return nil
		}
		if rerr != nil {
			return rerr
		}
	}
}

// closeWrite ends one direction of a connection, wrapped by layer 4 or not.
func closeWrite(w io.Writer) error {
	if cx, ok := w.(*layer4.Connection); ok {
		w = cx.Conn
	}
	if half, ok := w.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.New("no half-close")
}

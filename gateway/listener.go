package main

import (
	"fmt"
	"net"
	"sync"
)

// listener is what layer 4 accepts from. It carries no socket: closing it
// wakes Accept at once and leaves the node and running connections alone.
type listener struct {
	hub   *hub
	port  uint16
	queue chan net.Conn // unbuffered: nothing is left behind in a closed one
	done  chan struct{}
	once  sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.closed()
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, l.closed()
	}
}

func (l *listener) closed() error { return fmt.Errorf("%s: %w", l.Addr(), net.ErrClosed) }

func (l *listener) Close() error {
	l.once.Do(func() {
		l.hub.unlisten(l)
		close(l.done)
	})
	return nil
}

func (l *listener) Addr() net.Addr { return listenAddr{l.hub.name, l.port} }

type listenAddr struct {
	node string
	port uint16
}

func (listenAddr) Network() string  { return "tailscale" }
func (a listenAddr) String() string { return fmt.Sprintf("%s:%d", a.node, a.port) }

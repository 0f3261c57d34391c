package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// clientTimeout is shorter than the health check's own.
const clientTimeout = 5 * time.Second

// unixClient speaks HTTP over a unix socket.
func unixClient(socket string, timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// fetchStatus asks the gateway behind a status socket: /status, or /health for
// the part that costs nothing.
func fetchStatus(socket, path string) (*Status, error) {
	client := unixClient(socket, clientTimeout)
	defer client.CloseIdleConnections()
	res, err := client.Get("http://unix" + path)
	if err != nil {
		return nil, fmt.Errorf("gateway does not answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("gateway answered %s", res.Status)
	}
	var st Status
	if err := json.NewDecoder(res.Body).Decode(&st); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	return &st, nil
}

// healthy returns nil when a configuration runs. A broken node or a rejected
// newer configuration does not make the gateway unhealthy.
func healthy(st *Status) error {
	if st.ConfigSHA256 != "" {
		return nil
	}
	if st.Rejected != nil {
		return fmt.Errorf("no config is loaded: %s", st.Rejected.Error)
	}
	return errors.New("no config is loaded")
}

// printStatus writes a table for people.
func printStatus(w io.Writer, st *Status) {
	if st.Rejected != nil {
		fmt.Fprintf(w, "config rejected: %s\n", st.Rejected.Error)
	}
	if r := st.Reserve; r.Left < r.Size {
		fmt.Fprintf(w, "the disk of the state is or was full: %d of %d MiB of its reserve are left\n", r.Left>>20, r.Size>>20)
	}
	for _, name := range sortedKeys(st.Nodes) {
		n := st.Nodes[name]
		fmt.Fprintf(w, "%-20s %-12s %-40s %s conns=%d in=%d out=%d\n", name, n.State,
			n.DNSName, strings.Join(n.IPs, ","), n.Connections, n.BytesIn, n.BytesOut)
		if n.LastError != "" {
			fmt.Fprintf(w, "  %s\n", n.LastError)
		}
		if n.PinsError != "" {
			fmt.Fprintf(w, "  %s\n", n.PinsError)
		}
		for _, c := range n.LoginChanged {
			fmt.Fprintf(w, "  refused: login %s of account %s, pinned to %s, last %s\n", c.Login, c.NewID, c.OldID, c.Last)
		}
		for _, p := range n.Peers {
			fmt.Fprintf(w, "  %s %s %s %s %s conns=%d\n", p.Login, p.Node, p.IP, p.Path, p.Endpoint, p.Connections)
		}
	}
}

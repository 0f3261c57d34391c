package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"tailscale.com/ipn"
	"tailscale.com/ipn/store"
	tslog "tailscale.com/types/logger"
)

// openState makes sure that a node can start (folder writable, state
// readable, UDP port free) and opens its state. All this is checked here
// because a tsnet server that fails half-way leaks its network engine, and
// takes a random port in place of a taken one.
func openState(s settings) (ipn.StateStore, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	probe := filepath.Join(s.dir, ".writable")
	if err := os.WriteFile(probe, []byte("x"), 0o600); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := os.Remove(probe); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := portFree(s.port); err != nil {
		return nil, err
	}
	st, err := store.New(tslog.Discard, filepath.Join(s.dir, "tailscaled.state"))
	if err != nil {
		return nil, fmt.Errorf("node state: %w", err)
	}
	return st, nil
}

func portFree(port uint16) error {
	c, err := net.ListenPacket("udp4", ":"+strconv.Itoa(int(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("UDP port %d is taken by another process", port)
	}
	if err != nil {
		return fmt.Errorf("UDP port %d: %w", port, err)
	}
	return c.Close()
}

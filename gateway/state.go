package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"go.uber.org/zap"
)

// probeSize is written to see whether a node can start: more than all the
// files together that its tsnet server writes by itself.
const probeSize = 64 << 10

// openState makes sure that a node can start (folder writable, room on the
// disk, state readable, UDP port free) and opens its state. All this is
// checked here because a tsnet server that fails half-way leaks its network
// engine, and takes a random port in place of a taken one.
func openState(s settings, log *zap.Logger) (*stateFile, error) {
	if err := withRoom(filepath.Dir(s.dir), func() error { return probe(s.dir) }); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := portFree(s.port); err != nil {
		return nil, err
	}
	key, err := readKey(s.keyFile)
	hasNewKey := err == nil && key.hash != lastUsedKey(s.dir)
	return recoverState(filepath.Join(s.dir, "tailscaled.state"), hasNewKey, log)
}

// probe makes the folder and a file in it, for a moment.
func probe(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file := filepath.Join(dir, ".writable")
	err := os.WriteFile(file, bytes.Repeat([]byte("x"), probeSize), 0o600)
	if rerr := os.Remove(file); err == nil {
		err = rerr
	}
	return err
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

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tailscale.com/atomicfile"
	"tailscale.com/ipn"
)

func TestAStateWriteThatFailedIsRepeated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "alice", "tailscaled.state")
	os.Mkdir(filepath.Dir(path), 0o700)
	s, err := readStateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { writeAtomic = atomicfile.WriteFile })
	writeAtomic = func(string, []byte, os.FileMode) error { return syscall.EROFS }
	if err := s.WriteState("key", []byte("1")); !errors.Is(err, syscall.EROFS) {
		t.Fatal(err)
	}
	if err := s.flush(); !errors.Is(err, syscall.EROFS) {
		t.Fatal(err)
	}
	writeAtomic = atomicfile.WriteFile
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	again, err := readStateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := again.ReadState("key"); string(v) != "1" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	if err := again.WriteState("key", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := again.ReadState("key"); err != ipn.ErrStateNotExist {
		t.Error(err)
	}
}

func TestADiskThatIsFullUsesTheReserveForState(t *testing.T) {
	dir := t.TempDir()
	if err := fillReserve(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { writeAtomic = atomicfile.WriteFile })
	writeAtomic = func(path string, data []byte, mode os.FileMode) error {
		if reserveOf(dir).Left == reserveSize {
			return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
		}
		return atomicfile.WriteFile(path, data, mode)
	}
	path := filepath.Join(dir, "alice", "tailscaled.state")
	os.Mkdir(filepath.Dir(path), 0o700)
	s, err := readStateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteState("key", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if left := reserveOf(dir).Left; left != reserveSize-reservePiece {
		t.Errorf("%d bytes left", left)
	}
}

func TestADamagedStateIsReplacedByTheLastGoodOne(t *testing.T) {
	tn := newTailnet(t)
	g := newGateway(t, tn)
	up := upstream(t, "x")
	g.node("alice", up, "nobody")
	g.node("bob", up, "nobody")
	g.load()
	before := map[string]NodeStatus{"alice": g.await("alice", isRunning), "bob": g.await("bob", isRunning)}
	dir := filepath.Join(g.config.StateDir, "alice")
	path := filepath.Join(dir, "tailscaled.state")
	stop := func() { nodes.pop(nodes.configs[0]) }
	start := func() {
		g.load()
		g.config.MemoryLimit += 1 << 30 // Caddy skips a config it has already
		g.load()
	}
	damage := func(file, content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aside := func() int {
		all, _ := filepath.Glob(path + ".corrupt-*")
		return len(all)
	}
	for i, content := range []string{`{"_current-profile": "cHJv`, "", "null"} {
		stop()
		damage(path, content)
		start()
		for name, was := range before {
			if now := g.await(name, isRunning); now.NodeID != was.NodeID {
				t.Errorf("%q: %s became %s", content, was.NodeID, now.NodeID)
			}
		}
		if aside() == 0 {
			t.Errorf("%d: nothing was put aside", i)
		}
	}

	t.Run("without a copy the node says so, and a new key helps", func(t *testing.T) {
		stop()
		damage(path, "junk")
		damage(copyPath(path), "junk")
		start()
		g.await("bob", isRunning)
		st := g.await("alice", func(s NodeStatus) bool { return s.State == stateNeedsKey })
		if !st.KeyNeeded || !strings.Contains(st.LastError, "damaged") {
			t.Errorf("%+v", st)
		}
		g.key("alice", "tskey-another")
		g.await("alice", isRunning)
	})
}

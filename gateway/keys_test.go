package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOneBrokenNodeHurtsNobodyElse(t *testing.T) {
	tn := newTailnet(t)
	alice, login := tn.peer(t, "alice-mac")
	tn.RequireAuthKey = "tskey-good"
	g := newGateway(t, tn)
	up := upstream(t, "hello")
	for _, name := range []string{"good", "refused", "empty", "unwritable"} {
		g.node(name, up, login)
	}
	g.key("good", "tskey-good")
	g.key("refused", "tskey-bad")
	g.key("empty", "")
	g.key("unwritable", "tskey-good")
	if err := os.MkdirAll(g.config.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.config.StateDir, "unwritable"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g.load()
	g.wantGreeting(alice, "good", "hello")
	st := g.await("refused", func(s NodeStatus) bool { return s.State == stateNeedsKey })
	if !st.KeyNeeded || !strings.Contains(st.LastError, "invalid authkey") || strings.Contains(st.LastError, "tskey-bad") {
		t.Errorf("refused: %+v", st)
	}
	if st := g.status("empty"); st.State != stateNeedsKey || !strings.Contains(st.LastError, "empty") {
		t.Errorf("empty: %+v", st)
	}
	if st := g.status("unwritable"); st.State != stateError || !strings.Contains(st.LastError, "state directory") {
		t.Errorf("unwritable: %+v", st)
	}

	t.Run("a good key in the file is taken without a restart", func(t *testing.T) {
		g.key("refused", "tskey-good")
		g.key("empty", "tskey-good")
		g.await("refused", isRunning)
		g.await("empty", isRunning)
	})
}

func TestAnEnrolledNodeStartsWithoutItsKey(t *testing.T) {
	tn := newTailnet(t)
	g := newGateway(t, tn)
	g.node("alice", upstream(t, "x"), "nobody")
	g.load()
	first := g.await("alice", isRunning)
	nodes.pop(nodes.configs[0])
	if err := os.Remove(g.keyFile("alice")); err != nil {
		t.Fatal(err)
	}
	g.load()
	g.config.MemoryLimit = 1 << 30 // Caddy skips a config it has already
	g.load()
	second := g.await("alice", isRunning)
	if second.NodeID != first.NodeID || second.DNSName != first.DNSName {
		t.Fatalf("%+v became %+v", first, second)
	}
	if _, s := nodes.list()[0].snapshot(); s.key.secret != "" {
		t.Fatal("a key was sent")
	}
}

func TestANewKeyIsTakenWhenTheControlServerWantsALogin(t *testing.T) {
	tn := newTailnet(t)
	tn.RequireAuthKey = "tskey-1"
	g := newGateway(t, tn)
	g.node("alice", upstream(t, "x"), "nobody")
	g.key("alice", "tskey-1")
	g.load()
	name := g.await("alice", isRunning).DNSName
	tn.RequireAuthKey = "tskey-2"
	tn.SetExpireAllNodes(true)
	st := g.await("alice", func(s NodeStatus) bool { return s.State == stateNeedsKey })
	if !st.KeyNeeded {
		t.Errorf("%+v", st)
	}
	g.key("alice", "tskey-2")
	eventually(t, 20*time.Second, func() error {
		if _, s := nodes.list()[0].snapshot(); s == nil || s.key.secret != "tskey-2" {
			return errors.New("the new key is not taken")
		}
		return nil
	})
	tn.SetExpireAllNodes(false)
	if got := g.await("alice", isRunning); got.DNSName != name {
		t.Errorf("%s became %s", name, got.DNSName)
	}
	key, _ := readKey(g.keyFile("alice"))
	if lastUsedKey(filepath.Join(g.config.StateDir, "alice")) != key.hash {
		t.Error("the used key is not remembered")
	}
}

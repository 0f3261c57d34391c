package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tailscale.com/tailcfg"
)

// as says that every peer is this login of this account.
func as(login string, account tailcfg.UserID) whoIs {
	return func(context.Context, netip.AddrPort) (identity, error) {
		return identity{login: login, account: account}, nil
	}
}

// pinnedHub is a hub whose node keeps its state in dir and lets alice in.
func pinnedHub(dir string, epoch uint32) *hub {
	h := newHub("alice")
	h.setPins(dir, epoch)
	h.setAllow(newAllowList([]string{"Alice@", "tag:mac"}))
	h.listen(445)
	return h
}

func letsIn(h *hub, who whoIs) bool {
	a, _ := net.Pipe()
	c := newConn(h, a, testSrc, testDst)
	return h.admit(c, who)
}

func wantPins(t *testing.T, h *hub, who whoIs, in bool, fault string) {
	t.Helper()
	if got := letsIn(h, who); got != in {
		t.Errorf("let in: %v, want %v", got, in)
	}
	if _, got := h.pinReport(); fault == "" && got != "" || !strings.Contains(got, fault) {
		t.Errorf("the status says %q, want %q", got, fault)
	}
}

func TestALoginIsPinnedToTheAccountOfItsFirstConnection(t *testing.T) {
	dir := t.TempDir()
	h := pinnedHub(dir, 0)
	if !letsIn(h, as("alice", 5)) || !letsIn(h, as("ALICE@", 5)) {
		t.Fatal("her own account is refused")
	}
	if info, err := os.Stat(pinPath(dir, 0)); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	for _, h := range []*hub{h, pinnedHub(dir, 0)} { // now, and after a restart
		if letsIn(h, as("alice", 6)) {
			t.Fatal("another account of the same name is let in")
		}
		if !letsIn(h, as("alice", 5)) {
			t.Error("her own account is refused after that")
		}
		changed, _ := h.pinReport()
		if len(changed) != 1 || changed[0].Login != "alice" || changed[0].OldID != "5" || changed[0].NewID != "6" {
			t.Errorf("the status says %+v", changed)
		}
		if n := h.refusedBy[refusedLoginChanged].Load(); n != 1 {
			t.Errorf("%d refusals counted", n)
		}
	}
}

func TestOnlyLoginsOfTheAllowListArePinnedAndTaggedMachinesAreNot(t *testing.T) {
	dir := t.TempDir()
	h := pinnedHub(dir, 0)
	letsIn(h, as("mallory", 6))
	tagged := func(context.Context, netip.AddrPort) (identity, error) {
		return identity{login: "alice", account: 7, tags: []string{"tag:mac"}}, nil
	}
	if !letsIn(h, tagged) {
		t.Error("a tagged machine is refused")
	}
	if _, err := os.Stat(pinPath(dir, 0)); !os.IsNotExist(err) {
		t.Errorf("something was pinned: %v", err)
	}
	if letsIn(h, as("alice", 0)) {
		t.Error("a login without an account is let in")
	}
}

func TestALoginThatLeavesTheAllowListKeepsItsPin(t *testing.T) {
	h := pinnedHub(t.TempDir(), 0)
	letsIn(h, as("alice", 5))
	h.setAllow(newAllowList([]string{"bob"}))
	h.setAllow(newAllowList([]string{"alice"}))
	if letsIn(h, as("alice", 6)) {
		t.Error("another account came in by an edit of the allow list")
	}
}

func TestARunningConnectionIsCutWhenItsLoginBelongsToAnotherAccount(t *testing.T) {
	h := pinnedHub(t.TempDir(), 0)
	letsIn(h, as("alice", 5))
	failed := map[netip.Addr]int{}
	if h.recheck(context.Background(), as("alice", 5), failed); len(h.running()) != 1 {
		t.Fatal("her own connection is cut")
	}
	if h.recheck(context.Background(), as("alice", 6), failed); len(h.running()) != 0 {
		t.Fatal("the connection goes on")
	}
}

func TestAnotherEpochForgetsThePinsAndCutsNobody(t *testing.T) {
	dir := t.TempDir()
	h := pinnedHub(dir, 0)
	letsIn(h, as("alice", 5))
	letsIn(h, as("alice", 6))
	h.setPins(dir, 1)
	if h.recheck(context.Background(), as("alice", 5), map[netip.Addr]int{}); len(h.running()) != 1 {
		t.Fatal("a running connection is cut")
	}
	if changed, _ := h.pinReport(); len(changed) != 0 {
		t.Errorf("the status still says %+v", changed)
	}
	if !letsIn(h, as("alice", 6)) || letsIn(h, as("alice", 5)) {
		t.Error("the first connection of the new epoch is not the one that is pinned")
	}
	if all, _ := filepath.Glob(filepath.Join(dir, "*")); len(all) != 1 || all[0] != pinPath(dir, 1) {
		t.Errorf("left in the folder: %v", all)
	}
	if letsIn(pinnedHub(dir, 1), as("alice", 5)) {
		t.Error("the new pin is lost by a restart")
	}
}

func TestAPinFileThatCannotBeTrustedLetsNobodyIn(t *testing.T) {
	good := t.TempDir()
	letsIn(pinnedHub(good, 0), as("alice", 5))
	data, err := os.ReadFile(pinPath(good, 0))
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) func(string) error {
		text := strings.Replace(string(data), old, new, 1)
		if text == string(data) {
			t.Fatalf("no %q in %s", old, data)
		}
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	for name, spoil := range map[string]func(path string) error{
		"empty":        func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"null":         func(path string) error { return os.WriteFile(path, []byte("null\n"), 0o600) },
		"half":         edit(`"pins"`, `"pi`),
		"more":         edit("}\n", "}\n{}"),
		"unknown key":  edit(`"version"`, `"colour": 1, "version"`),
		"key twice":    edit(`"version"`, `"pins": [], "version"`),
		"version":      edit(`"version": 1`, `"version": 2`),
		"no id":        edit(`"id": 5`, `"id": 0`),
		"huge id":      edit(`"id": 5`, `"id": 99999999999999999999`),
		"no login":     edit(`"alice"`, `""`),
		"capital":      edit(`"alice"`, `"Alice"`),
		"login twice":  edit(`"pins": [`, `"pins": [{"login": "alice", "id": 6, "since": "2026-01-01T00:00:00Z"},`),
		"too large":    func(path string) error { return os.WriteFile(path, make([]byte, maxPinFile+1), 0o600) },
		"a folder":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":       func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link":       func(path string) error { return os.Symlink(pinPath(good, 0), path) },
		"a link loose": func(path string) error { return os.Symlink(path+".none", path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := spoil(pinPath(dir, 0)); err != nil {
				t.Fatal(err)
			}
			h := pinnedHub(dir, 0)
			wantPins(t, h, as("alice", 5), false, "nobody is let in")
			wantPins(t, h, as("alice", 6), false, "nobody is let in")
			if n := h.refusedBy[refusedNoPin].Load(); n != 2 {
				t.Errorf("%d refusals counted", n)
			}
			// Put right, it counts at once; another epoch does not read it at all.
			other := pinnedHub(dir, 1)
			wantPins(t, other, as("alice", 6), true, "")
			os.RemoveAll(pinPath(dir, 0))
			if err := os.WriteFile(pinPath(dir, 0), data, 0o600); err != nil {
				t.Fatal(err)
			}
			wantPins(t, h, as("alice", 6), false, "")
			wantPins(t, h, as("alice", 5), true, "")
		})
	}
}

func TestAFullDiskKeepsOutWhoWasNeverHereAndNobodyElse(t *testing.T) {
	dir := t.TempDir()
	h := pinnedHub(dir, 0)
	h.setAllow(newAllowList([]string{"alice", "ann"}))
	letsIn(h, as("alice", 5))
	h.pins.write = func(string, uint32, map[string]pin) error { return syscall.ENOSPC }
	wantPins(t, h, as("alice", 5), true, "")
	wantPins(t, h, as("ann", 6), false, "only logins that have connected before")
	wantPins(t, h, as("alice", 5), true, "no space left")
	h.pins.write = writePins
	wantPins(t, h, as("ann", 6), true, "")
	for _, path := range []string{dir + "/gone/sub", pinPath(dir, 0) + "/x"} {
		if err := writePins(path, 0, nil); !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

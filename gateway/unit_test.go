package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mholt/caddy-l4/layer4"
	"go.uber.org/zap"
)

func TestAllowListPermits(t *testing.T) {
	for _, c := range []struct {
		entry string
		id    identity
		want  bool
	}{
		{"Alice@Example.com", identity{login: "alice@example.COM"}, true},
		{"alice@", identity{login: "alice"}, true},
		{"alice", identity{login: "alice@"}, true},
		{"alice@example.com", identity{login: "alice"}, false},
		{"tag:mac", identity{login: "tagged-devices", tags: []string{"tag:x", "tag:mac"}}, true},
		{"tagged-devices", identity{login: "tagged-devices", tags: []string{"tag:x"}}, false},
		{"tag:mac", identity{login: "tag:mac"}, false},
		{"@", identity{}, false},
		{"", identity{}, false},
	} {
		if got := newAllowList([]string{c.entry}).permits(c.id); got != c.want {
			t.Errorf("%q permits %+v: %v", c.entry, c.id, got)
		}
	}
	if (allowList{}).permits(identity{login: "alice"}) {
		t.Error("the zero list lets somebody in")
	}
}

var (
	testSrc = netip.MustParseAddrPort("100.64.0.9:50000")
	testDst = netip.MustParseAddrPort("100.64.0.1:445")
)

func known(login string, err error) whoIs {
	return func(context.Context, netip.AddrPort) (identity, error) {
		return identity{login: login, account: 1}, err
	}
}

func TestAHubClosesInDoubtAndWithoutAddresses(t *testing.T) {
	h := newHub("alice")
	h.setAllow(newAllowList([]string{"alice"}))
	l := h.listen(445)
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			accepted <- c
		}
	}()
	try := func(who whoIs) net.Conn {
		a, b := net.Pipe()
		go h.handle(a, testSrc, testDst, who)
		return b
	}
	for _, who := range []whoIs{known("", errors.New("down")), known("", nil), known("bob", nil),
		func(context.Context, netip.AddrPort) (identity, error) { panic("who") }} {
		if _, err := io.ReadAll(try(who)); err != nil {
			t.Fatal(err)
		}
	}
	try(known("alice", nil))
	c := <-accepted
	if c.RemoteAddr().String() != testSrc.String() || c.LocalAddr().String() != testDst.String() {
		t.Errorf("addresses %v, %v", c.RemoteAddr(), c.LocalAddr())
	}
	h.recheck(context.Background(), known("", errPeerGone), map[netip.Addr]int{})
	if len(h.running()) != 0 {
		t.Error("a peer that left the tailnet keeps its connection")
	}
}

func TestACloseWakesAccept(t *testing.T) {
	l := newHub("alice").listen(445)
	done := make(chan error)
	go func() { _, err := l.Accept(); done <- err }()
	l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}

func TestConnectionsAreBoundedByNodeAndPeer(t *testing.T) {
	h := newHub("alice")
	h.setAllow(newAllowList([]string{"alice"}))
	h.listen(445)
	for i := range maxConns {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, 64, 1, byte(i / maxPeerConns)}), uint16(1000+i))
		a, _ := net.Pipe()
		if !h.admit(newConn(h, a, src, testDst), known("alice", nil)) {
			t.Fatalf("connection %d was refused", i)
		}
		if i == maxPeerConns-1 && h.wants(src, testDst) {
			t.Error("one peer has no bound")
		}
	}
	if h.wants(testSrc, testDst) {
		t.Error("the node has no bound")
	}
}

func TestRefusalsOfOnePeerAreLoggedOnceAMinute(t *testing.T) {
	r := newPeerLimit(1, refusalEvery)
	now, peer := time.Now(), testSrc.Addr()
	lines := 0
	for range 1000 {
		if _, ok := r.allow(peer, now); ok {
			lines++
		}
	}
	skipped, ok := r.allow(peer, now.Add(refusalEvery))
	if lines != 1 || !ok || skipped != 999 {
		t.Fatalf("%d lines, then %v with %d skipped", lines, ok, skipped)
	}
}

func TestTheRelayPassesHalfCloseOn(t *testing.T) {
	up, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	go func() {
		c, err := up.Accept()
		if err != nil {
			return
		}
		all, _ := io.ReadAll(c)
		c.Write(bytes.ToUpper(all))
		c.Close()
	}()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()
	done := make(chan error, 1)
	go func() {
		c, err := front.Accept()
		if err != nil {
			return
		}
		r := Relay{Upstream: up.Addr().String()}
		done <- r.Handle(layer4.WrapConnection(c, nil, zap.NewNop()), nil)
		c.Close()
	}()
	answersInUpperCase(t, front.Addr().String(), done)
}

// answersInUpperCase sends much to front, ends its own half, and expects all of
// it back in upper case, and the relay to end without an error.
func answersInUpperCase(t *testing.T, front string, done <-chan error) {
	t.Helper()
	c, err := net.Dial("tcp", front)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sent := strings.Repeat("abc", 1<<20)
	go func() {
		io.WriteString(c, sent)
		c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != strings.ToUpper(sent) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestTheStatusSocketIsReadOnlyAndReplacesAStaleOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	w := newWatcher("")
	w.accept("abc", &Config{StatusSocket: path})
	ctx, stop := context.WithCancel(context.Background())
	s := newStatusServer(w)
	ended := make(chan struct{})
	go func() { s.run(ctx); close(ended) }()
	eventually(t, 5*time.Second, func() error {
		st, err := fetchStatus(path, "/status")
		if err != nil {
			return err
		}
		return healthy(st)
	})
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("%v, %v", info, err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "POST /status HTTP/1.0\r\n\r\n")
	answer, _ := io.ReadAll(c)
	if !strings.Contains(string(answer), "405") {
		t.Errorf("%s", answer)
	}
	stop()
	<-ended
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Error("the socket is left behind")
	}
}

func TestAKeyFileIsReadAnewWhenItLooksDifferent(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "authkey")
	write := func(secret string) string {
		if err := writeAtomic(file, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		return hexHash([]byte(secret))
	}
	files := keyFiles{}
	if got := files.unused(file, dir); got != "" {
		t.Errorf("without a file: %q", got)
	}
	for _, secret := range []string{"tskey-one", "tskey-two"} {
		hash := write(secret)
		if got := files.unused(file, dir); got != hash {
			t.Errorf("%s is there: %q", secret, got)
		}
		if err := recordKey(dir, hash); err != nil {
			t.Fatal(err)
		}
		if got := files.unused(file, dir); got != "" {
			t.Errorf("%s was used: %q", secret, got)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheWatcherKeepsTheLastGoodConfig(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "caddy")
	path := filepath.Join(dir, "config.json")
	write := func(s string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	loads := 0
	w := newWatcher(path)
	w.load = func(b []byte) (*Config, error) {
		loads++
		if strings.HasPrefix(string(b), "bad") {
			return nil, errors.New("no good")
		}
		return new(Config), nil
	}
	now := time.Now()
	want := func(loaded string, wantLoads int, rejected string) {
		t.Helper()
		w.poll(now)
		_, hash, r := w.state()
		got := ""
		if r != nil {
			got = r.Error
		}
		if hash != loaded || loads != wantLoads || !strings.Contains(got, rejected) || (rejected == "") != (r == nil) {
			t.Fatalf("loaded %s, %d loads, rejected %q", hash, loads, got)
		}
	}
	a := hexHash([]byte("a"))
	want("", 0, "directory is missing")
	write("a")
	want(a, 1, "")
	want(a, 1, "")
	write("bad")
	want(a, 2, "no good")
	want(a, 2, "no good") // the same content is not tried each second
	now = now.Add(configRetry)
	want(a, 3, "no good") // but it is tried again
	write("a")
	want(a, 3, "") // back to what runs
	os.RemoveAll(dir)
	want(a, 3, "directory is missing")
	write("b")
	want(hexHash([]byte("b")), 4, "")
}

func TestAChangedConfigIsLoadedBeforeTheNextPoll(t *testing.T) {
	defer func(d time.Duration) { configPoll = d }(configPoll)
	configPoll = time.Hour
	path := filepath.Join(t.TempDir(), "config.json")
	loads := make(chan string, 9)
	w := newWatcher(path)
	w.load = func(b []byte) (*Config, error) {
		loads <- string(b)
		return new(Config), nil
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	for _, text := range []string{"first", "second"} {
		if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-loads:
			if got != text {
				t.Fatalf("loaded %q, want %q", got, text)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: not loaded", text)
		}
	}
}

func TestADeletedConfigDirectoryIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "caddy")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Remove(dir)
	_, err = readConfig(fmt.Sprintf("/proc/self/fd/%d/config.json", f.Fd()))
	if err == nil || !strings.Contains(err.Error(), "docker compose restart gateway") {
		t.Fatal(err)
	}
}

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runAdmin serves an admin socket for the test and returns its path.
func runAdmin(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin", "admin.sock")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { serveAdmin(ctx, path); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	eventually(t, 5*time.Second, func() error { _, err := os.Lstat(path); return err })
	return path
}

func TestTheProfileCommandWritesAPprofFile(t *testing.T) {
	path := runAdmin(t)
	for _, name := range sortedKeys(profiles) {
		var out, messages bytes.Buffer
		code := command([]string{"profile", "--admin-socket", path, "--seconds", "1", name}, &out, &messages)
		if code != 0 {
			t.Fatalf("%s: %d, %s", name, code, messages.String())
		}
		z, err := gzip.NewReader(&out)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if data, err := io.ReadAll(z); err != nil || len(data) < 100 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	for _, args := range [][]string{{"trace"}, {"--seconds", "0", "cpu"}, {"--seconds", "301", "cpu"}, {"../heap"}} {
		var out, messages bytes.Buffer
		if code := command(append([]string{"profile", "--admin-socket", path}, args...), &out, &messages); code != 1 || out.Len() > 0 {
			t.Errorf("%q: %d, %q", args, code, out.String())
		}
	}
}

func TestTheAdminSocketIsForItsOwnerAlone(t *testing.T) {
	path := runAdmin(t)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Lstat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{open, link} {
		if ln, err := listenAdmin(filepath.Join(dir, "a.sock")); err == nil {
			ln.Close()
			t.Errorf("listens in %s", dir)
		}
	}
}

func TestTheStatusSocketServesNoProfile(t *testing.T) {
	s := newStatusServer(newWatcher(""))
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/profile/heap?seconds=1", "/"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "goroutine") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"syscall"
	"time"

	"go.uber.org/zap"
)

const (
	// defaultAdmin lies in the container's own scratch folder: no mount, and so
	// nobody outside the container, reaches it.
	defaultAdmin = "/tmp/tmgen-admin/admin.sock"
	// maxProfile bounds a CPU profile, in seconds.
	maxProfile = 300
)

// profiles are those that can be asked for.
var profiles = map[string]func(context.Context, http.ResponseWriter, time.Duration) error{
	"cpu":       cpuProfile,
	"heap":      heldProfile("heap"),
	"allocs":    heldProfile("allocs"),
	"goroutine": heldProfile("goroutine"),
}

// adminServer answers GET /profile/NAME?seconds=N with a profile, on a socket
// of its own: the status socket is for others too.
type adminServer struct{}

func (adminServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.URL.Path)
	profile := profiles[name]
	if profile == nil || r.URL.Path != "/profile/"+name {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "read-only", http.StatusMethodNotAllowed)
		return
	}
	seconds, err := strconv.Atoi(r.URL.Query().Get("seconds"))
	if err != nil || seconds < 1 || seconds > maxProfile {
		http.Error(w, fmt.Sprintf("seconds: 1 to %d", maxProfile), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := profile(r.Context(), w, time.Duration(seconds)*time.Second); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
	}
}

// cpuProfile samples for d, or until the asker is gone.
func cpuProfile(ctx context.Context, w http.ResponseWriter, d time.Duration) error {
	if err := pprof.StartCPUProfile(w); err != nil {
		return err // another one runs
	}
	defer pprof.StopCPUProfile()
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return nil
}

// heldProfile is one that the runtime holds ready; the time does not matter.
func heldProfile(name string) func(context.Context, http.ResponseWriter, time.Duration) error {
	return func(_ context.Context, w http.ResponseWriter, _ time.Duration) error {
		if name == "heap" {
			runtime.GC() // what is in use now, not at the last collection
		}
		return pprof.Lookup(name).WriteTo(w, 0)
	}
}

// serveAdmin serves the admin socket until ctx ends. Without it the gateway
// works on.
func serveAdmin(ctx context.Context, path string) {
	ln, err := listenAdmin(path)
	if err != nil {
		logger().Error("no admin socket", zap.Error(err))
		return
	}
	defer os.Remove(path)
	server := &http.Server{Handler: adminServer{}, ReadTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	server.Serve(ln)
}

// listenAdmin listens in a folder that belongs to this user alone: the scratch
// folder around it is everybody's.
func listenAdmin(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ok || int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s is not a folder of this user alone", dir)
	}
	return listenUnix(path, 0o600)
}

package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"
)

const (
	// defaultSocket is used until a configuration names another one.
	defaultSocket = "/run/tmgen/status.sock"
	// socketMode: the workspace's owner and group.
	socketMode = 0o660
	// socketCheck is how often the socket is put back where it should be.
	socketCheck = time.Second
)

// statusServer answers GET /status, /health and /metrics on a unix socket, and
// nothing else.
type statusServer struct {
	watch   *watcher
	metrics http.Handler
	started time.Time
	path    string
	server  *http.Server
	failed  string
}

func newStatusServer(w *watcher) *statusServer {
	return &statusServer{watch: w, metrics: metricsHandler(w), started: time.Now()}
}

// run serves until ctx ends. A folder that is missing or not writable only
// delays it: the nodes work without.
func (s *statusServer) run(ctx context.Context) {
	tick := time.NewTicker(socketCheck)
	defer tick.Stop()
	defer s.close()
	for {
		s.ensure()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ensure makes the socket exist at the path that the configuration names.
func (s *statusServer) ensure() {
	want := defaultSocket
	if c, _, _ := s.watch.state(); c != nil && c.StatusSocket != "" {
		want = c.StatusSocket
	}
	if s.server != nil && s.path == want {
		if _, err := os.Lstat(want); err == nil {
			return
		}
	}
	s.close()
	ln, err := listenUnix(want, socketMode)
	if err != nil {
		if err.Error() != s.failed {
			logger().Error("no status socket", zap.Error(err))
		}
		s.failed = err.Error()
		return
	}
	s.path, s.failed = want, ""
	s.server = &http.Server{Handler: s, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	go s.server.Serve(ln)
}

func (s *statusServer) close() {
	if s.server != nil {
		s.server.Close()
		os.Remove(s.path)
		s.server = nil
	}
}

// listenUnix listens at path with its final mode from the start, and takes
// the place of a stale socket, but of nothing else.
func listenUnix(path string, mode os.FileMode) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return nil, &net.OpError{Op: "listen", Net: "unix", Err: os.ErrExist}
	}
	tmp := path + ".new"
	if info, err := os.Lstat(tmp); err == nil && info.Mode()&os.ModeSocket != 0 {
		os.Remove(tmp)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	if err = os.Chmod(tmp, mode); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		ln.Close()
		os.Remove(tmp)
		return nil, err
	}
	return ln, nil
}

func (s *statusServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "read-only", http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/status":
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(buildStatus(r.Context(), s.watch, s.started))
	case "/health":
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(summary(s.watch, s.started))
	case "/metrics":
		s.metrics.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// Paces of the watcher; tests shorten them.
var (
	configLook  = 200 * time.Millisecond // at its size and times
	configPoll  = 5 * time.Second        // at its bytes, which such a look can miss
	configRetry = 30 * time.Second
)

// maxConfig bounds a configuration file: 1,000 nodes need about 400 KB.
const maxConfig = 16 << 20

// watcher keeps the running configuration equal to a file. A file that cannot
// be read or loaded changes nothing and is reported; it is tried again when
// its content changes, and every 30 s.
type watcher struct {
	path string
	load func([]byte) (*Config, error)

	mu       sync.Mutex
	loaded   string // hash of the running configuration's bytes
	loadedAt time.Time
	config   *Config
	rejected *rejection

	tried   string // hash of the last content tried
	triedAt time.Time
}

// rejection is a configuration that was not taken, as the status shows it.
type rejection struct {
	SHA256 string `json:"sha256"`
	Error  string `json:"error"`
	At     string `json:"at"`
}

func newWatcher(path string) *watcher { return &watcher{path: path, load: loadConfig} }

// loadConfig checks a configuration as a whole, then gives it to Caddy.
func loadConfig(data []byte) (*Config, error) {
	c, err := checkFile(data)
	if err != nil {
		return nil, err
	}
	if err := caddy.Load(data, false); err != nil {
		return nil, err
	}
	return c, nil
}

// run polls until ctx ends: every few seconds, and as soon as the file looks
// different.
func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(configLook)
	defer tick.Stop()
	var seen look
	var polled time.Time
	for {
		if now := lookAt(w.path); now != seen || time.Since(polled) >= configPoll {
			seen, polled = now, time.Now()
			w.poll(polled)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look is what a file shows without being read; zero if there is none.
type look struct {
	inode    uint64
	size     int64
	modified time.Time
	changed  syscall.Timespec
}

func lookAt(path string) look {
	info, err := os.Stat(path)
	if err != nil {
		return look{}
	}
	l := look{size: info.Size(), modified: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		l.inode, l.changed = st.Ino, st.Ctim
	}
	return l
}

// poll looks at the file once.
func (w *watcher) poll(now time.Time) {
	data, err := readConfig(w.path)
	if err != nil {
		w.reject("", err, now)
		w.tried = ""
		return
	}
	hash := hexHash(data)
	if hash == w.loaded {
		w.accept(hash, nil)
		w.tried = hash
		return
	}
	if hash == w.tried && now.Sub(w.triedAt) < configRetry {
		return
	}
	w.tried, w.triedAt = hash, now
	began := time.Now()
	c, err := w.load(data)
	if err != nil {
		w.reject(hash, err, now)
		return
	}
	w.accept(hash, c)
	logger().Info("config loaded", zap.String("sha256", hash), zap.Int("nodes", len(c.Nodes)),
		zap.Duration("took", time.Since(began)))
}

func (w *watcher) reject(hash string, err error, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.rejected; r != nil && r.SHA256 == hash && r.Error == err.Error() {
		return
	}
	w.rejected = &rejection{SHA256: hash, Error: err.Error(), At: timestamp(now)}
	logger().Error("config not taken; the last good one stays",
		zap.String("file", w.path), zap.String("sha256", hash), zap.Error(err))
}

// accept notes that the content with this hash runs; c is nil if it did
// before.
func (w *watcher) accept(hash string, c *Config) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loaded, w.rejected = hash, nil
	if c != nil {
		w.config, w.loadedAt = c, time.Now()
	}
}

// state returns the running configuration (nil before the first), its hash
// and what was rejected since.
func (w *watcher) state() (*Config, string, *rejection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.config, w.loaded, w.rejected
}

// stateDir returns where the nodes' state lies, or "" before the first
// configuration.
func (w *watcher) stateDir() string {
	if c, _, _ := w.state(); c != nil {
		return c.StateDir
	}
	return ""
}

// readConfig reads the file. A directory that was deleted on the host, under
// a bind mount, still opens here: it has no links left.
func readConfig(path string) ([]byte, error) {
	data, err := readSmall(path, maxConfig, 0)
	if err == nil {
		return data, nil
	}
	dir, derr := os.Stat(filepath.Dir(path))
	switch {
	case derr != nil && errors.Is(derr, fs.ErrNotExist):
		return nil, errors.New("config directory is missing")
	case derr != nil:
		return nil, fmt.Errorf("config directory: %w", derr)
	}
	if st, ok := dir.Sys().(*syscall.Stat_t); ok && st.Nlink == 0 {
		return nil, errors.New("config directory was deleted: docker compose restart gateway")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("config file is missing")
	}
	return nil, fmt.Errorf("config file: %w", err)
}

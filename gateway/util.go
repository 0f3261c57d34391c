package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// logger returns Caddy's logger of the moment: a reload may replace it.
func logger() *zap.Logger { return caddy.Log().Named("gateway") }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func orNull(raw json.RawMessage) []byte {
	if raw == nil {
		return []byte("null")
	}
	return raw
}

func unmarshalLoose(data []byte, v any) error { return json.Unmarshal(data, v) }

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// errNotSmall is returned for what is no small regular file.
var errNotSmall = errors.New("not a small regular file")

// readSmall reads a regular file of at most most bytes. It never waits, as for a
// pipe that stands in for the file; flags are further ones of open.
func readSmall(path string, most int64, flags int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|flags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotSmall
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%w: more than %d bytes", errNotSmall, most)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
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

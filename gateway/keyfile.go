package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tailscale.com/ipn"
)

// maxKeyFile bounds a key file: an auth key has about 100 bytes.
const maxKeyFile = 4096

// authKey is the content of a key file and its hash, which alone is stored
// and compared.
type authKey struct {
	secret string
	hash   string
}

// String keeps the secret out of anything printed.
func (authKey) String() string { return "[auth key]" }

// readKey reads a key file. Errors never hold its content.
func readKey(path string) (authKey, error) {
	data, err := readSmall(path, maxKeyFile, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return authKey{}, errors.New("auth key file is missing")
	case errors.Is(err, errNotSmall):
		return authKey{}, errors.New("auth key file is not a small file")
	case err != nil:
		return authKey{}, fmt.Errorf("auth key file: %w", err)
	}
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		return authKey{}, errors.New("auth key file is empty")
	}
	if strings.ContainsAny(secret, " \t\r\n\x00") {
		return authKey{}, errors.New("auth key file holds more than one word")
	}
	return authKey{secret: secret, hash: hexHash([]byte(secret))}, nil
}

// keyRecord is kept next to a node's state: which key was used last.
type keyRecord struct {
	LastUsed string `json:"last_used_sha256"`
}

func recordPath(dir string) string { return filepath.Join(dir, "auth-key.json") }

// lastUsedKey returns the hash of the key the node enrolled with last, or "".
func lastUsedKey(dir string) string {
	var r keyRecord
	data, err := os.ReadFile(recordPath(dir))
	if err != nil || json.Unmarshal(data, &r) != nil {
		return ""
	}
	return r.LastUsed
}

// keyFiles remembers what a node's key file and the record beside its state
// held, and reads them only when they look different.
type keyFiles struct {
	key, record look
	read        bool
	hash, used  string
}

// unused returns the hash of a usable key that no login used yet, or "".
func (k *keyFiles) unused(keyFile, dir string) string {
	key, record := lookAt(keyFile), lookAt(recordPath(dir))
	if !k.read || key != k.key || record != k.record {
		k.key, k.record, k.read = key, record, true
		k.hash, k.used = "", lastUsedKey(dir)
		if found, err := readKey(keyFile); err == nil {
			k.hash = found.hash
		}
	}
	if k.hash == k.used {
		return ""
	}
	return k.hash
}

// recordKey remembers that the key with this hash was accepted.
func recordKey(dir, hash string) error {
	data, err := json.Marshal(keyRecord{LastUsed: hash})
	if err != nil {
		return err
	}
	return withRoom(filepath.Dir(dir), func() error { return writeAtomic(recordPath(dir), data, 0o600) })
}

// enrolled reports whether a state store holds an enrolled node: then the
// auth key must stay out, because it would be sent with every registration
// and a used one is refused.
func enrolled(s ipn.StateStore) bool {
	profile, err := s.ReadState(ipn.CurrentProfileStateKey)
	if err != nil || len(profile) == 0 {
		return false
	}
	data, err := s.ReadState(ipn.StateKey(profile))
	if err != nil {
		return false
	}
	var prefs struct {
		Config *struct{ NodeID string }
	}
	return json.Unmarshal(data, &prefs) == nil && prefs.Config != nil && prefs.Config.NodeID != ""
}

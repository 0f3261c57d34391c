package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tailscale.com/tailcfg"
)

const (
	// maxPinFile bounds a pin file: a pin takes about 100 bytes, and a node
	// has a handful.
	maxPinFile = 1 << 20
	// maxLogin bounds one login: an e-mail address has at most 254 bytes.
	maxLogin = 320
)

// pinFile is pins-EPOCH.json in a node's state folder.
type pinFile struct {
	Version int   `json:"version"`
	Pins    []pin `json:"pins"`
}

// pin ties a login to the account that came with it first.
type pin struct {
	Login string         `json:"login"` // as normalLogin makes it
	ID    tailcfg.UserID `json:"id"`
	Since time.Time      `json:"since"`
}

// pinPath names the file by its epoch, so that a file that nobody can read
// stands in the way of its own epoch only.
func pinPath(dir string, epoch uint32) string {
	return filepath.Join(dir, fmt.Sprintf("pins-%d.json", epoch))
}

// readPins reads a pin file; one that does not exist holds no pins. Whatever
// else is not exactly as writePins leaves it is an error.
func readPins(path string) (map[string]pin, error) {
	// Neither a link nor a pipe may stand in for the file.
	data, err := readSmall(path, maxPinFile, syscall.O_NOFOLLOW)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]pin{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parsePins(data)
}

func parsePins(data []byte) (map[string]pin, error) {
	var file pinFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("not valid: %w", err)
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("version %d is not 1", file.Version)
	}
	// Keys that are unknown, missing or stand twice, which Go takes for good.
	if again, err := file.bytes(); err != nil || !bytes.Equal(again, data) {
		return nil, errors.New("not as it was written")
	}
	known := map[string]pin{}
	for i, p := range file.Pins {
		_, twice := known[p.Login]
		switch {
		case p.Login == "" || len(p.Login) > maxLogin || p.Login != normalLogin(p.Login):
			return nil, fmt.Errorf("pin %d: not a login", i)
		case p.ID == 0:
			return nil, fmt.Errorf("pin %d: no id", i)
		case twice:
			return nil, fmt.Errorf("pin %d: the login stands twice", i)
		}
		known[p.Login] = p
	}
	return known, nil
}

// writePins writes a pin file whole or not at all, and only then removes
// those of earlier epochs.
func writePins(dir string, epoch uint32, known map[string]pin) error {
	file := pinFile{Version: 1, Pins: []pin{}}
	for _, login := range sortedKeys(known) {
		file.Pins = append(file.Pins, known[login])
	}
	data, err := file.bytes()
	if err != nil {
		return err
	}
	if err := withRoom(filepath.Dir(dir), func() error { return writeAtomic(pinPath(dir, epoch), data, 0o600) }); err != nil {
		return err
	}
	all, _ := filepath.Glob(filepath.Join(dir, "pins-*.json*")) // also what a kill left of a write
	for _, path := range all {
		var of uint32
		if _, err := fmt.Sscanf(filepath.Base(path), "pins-%d.json", &of); err == nil && of < epoch {
			os.Remove(path)
		}
	}
	return nil
}

func (f pinFile) bytes() ([]byte, error) {
	data, err := json.MarshalIndent(f, "", "  ")
	return append(data, '\n'), err
}

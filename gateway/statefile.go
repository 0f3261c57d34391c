package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"go.uber.org/zap"
	"tailscale.com/atomicfile"
	"tailscale.com/ipn"
)

// maxStateFile bounds a state file: it has some KiB.
const maxStateFile = 4 << 20

// writeAtomic replaces a file whole; tests let it fail.
var writeAtomic = atomicfile.WriteFile

// errDamaged means that a state file does not hold what was written to it.
var errDamaged = errors.New("the node's state is damaged")

// stateFile is a node's state, in the format and the file of tailscaled. In
// place of tailscale's own store, because that one takes a write that failed
// for done when it is tried again, and gives up at a damaged file.
type stateFile struct {
	path string

	mu      sync.Mutex
	values  map[ipn.StateKey][]byte
	unsaved error // why what is in values is not in the file
	copied  bool  // the copy holds the same
}

func (s *stateFile) stateDir() string { return filepath.Dir(filepath.Dir(s.path)) }

// copyPath holds the state with which the node was up the last time it changed.
func copyPath(path string) string { return path + ".good" }

// readStateFile reads the state at path; an empty or missing one has no values.
func readStateFile(path string) (*stateFile, error) {
	s := &stateFile{path: path, values: map[ipn.StateKey][]byte{}}
	data, err := readSmall(path, maxStateFile, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case errors.Is(err, errNotSmall):
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	case err != nil:
		return nil, err
	}
	if len(data) > 0 && (json.Unmarshal(data, &s.values) != nil || s.values == nil) {
		return nil, errDamaged
	}
	return s, nil
}

// recoverState opens a node's state. One that is damaged, or lost what it
// enrolled as, is put aside, and the copy of the last good one takes its place:
// the node stays who it was. Without a copy only a new key can help.
func recoverState(path string, hasNewKey bool, log *zap.Logger) (*stateFile, error) {
	s, err := readStateFile(path)
	if err != nil && !errors.Is(err, errDamaged) {
		return nil, fmt.Errorf("node state: %w", err)
	}
	if err == nil && enrolled(s) {
		return s, nil
	}
	good, gerr := readStateFile(copyPath(path))
	isGood := gerr == nil && enrolled(good)
	if err == nil && !isGood {
		return s, nil
	}
	if !isGood && !hasNewKey {
		return nil, fmt.Errorf("%w and so is its copy: put a new auth key in place", err)
	}
	aside := path + ".corrupt-" + wallClock().UTC().Format("20060102-150405")
	if rerr := os.Rename(path, aside); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return nil, fmt.Errorf("node state: %w", rerr)
	}
	if !isGood {
		log.Warn("the node's state was damaged: enrolling anew", zap.String("put_aside", aside))
		return &stateFile{path: path, values: map[ipn.StateKey][]byte{}}, nil
	}
	s = &stateFile{path: path, values: good.values, copied: true}
	log.Warn("the node's state was damaged: using the copy of the last good one", zap.String("put_aside", aside))
	return s, s.save()
}

// ReadState returns the value of a key.
func (s *stateFile) ReadState(id ipn.StateKey) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.values[id]
	if !ok {
		return nil, ipn.ErrStateNotExist
	}
	return value, nil
}

// WriteState sets a value, or takes the key out. What cannot be written now is
// kept, and written by flush.
func (s *stateFile) WriteState(id ipn.StateKey, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.values[id]; ok == (value != nil) && bytes.Equal(old, value) && s.unsaved == nil {
		return nil
	}
	if value == nil {
		delete(s.values, id)
	} else {
		s.values[id] = bytes.Clone(value)
	}
	s.copied = false
	return s.saveLocked()
}

func (s *stateFile) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saveLocked()
}

func (s *stateFile) saveLocked() error {
	s.unsaved = s.writeLocked(s.path)
	return s.unsaved
}

func (s *stateFile) writeLocked(path string) error {
	data, err := json.MarshalIndent(s.values, "", "  ")
	if err != nil {
		return err
	}
	return withRoom(s.stateDir(), func() error { return writeAtomic(path, data, 0o600) })
}

// flush writes what could not be written before, and returns why it still
// cannot.
func (s *stateFile) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsaved == nil {
		return nil
	}
	return s.saveLocked()
}

// keepCopy copies a state with which the node is up.
func (s *stateFile) keepCopy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copied {
		return nil
	}
	err := s.writeLocked(copyPath(s.path))
	s.copied = err == nil
	return err
}

package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"go.uber.org/zap"
)

// A copy of the state that is started beside the original has the same node
// keys, and two gateways with the same keys throw each other out of the
// tailnet. So the state remembers its host, and on another one no node is
// opened until `tmgen adopt` there has removed the record (src/converge/host.ts).
const (
	// hostName cannot be a node's: those begin with a letter or digit.
	hostName    = ".host"
	maxHostFile = 4096
)

// machineIDPath is the host's /etc/machine-id, or what is no regular file
// (/dev/null) where it has none or nobody told.
var machineIDPath = "/etc/tmgen/machine-id"

var (
	machineIDForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
	saltForm      = machineIDForm
	machineForm   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// hostRecord tells the host of the state from others. The machine id is
// confidential (machine-id(5)): it keys a hash of the salt.
type hostRecord struct {
	Version int    `json:"version"`
	Salt    string `json:"salt"`
	Machine string `json:"machine"`
}

var (
	errOtherHost  = errors.New("last ran on another host: stop it there, then run tmgen adopt here")
	errNoHostID   = errors.New("last ran on a host with a machine id, and TMGEN_MACHINE_ID in .env names none: stop it there, then run tmgen adopt here")
	errHostRecord = errors.New("state/gateway/.host is damaged, so this may be another host: stop it on the former one, then run tmgen adopt here")
)

// hostGuard decides once a process whether the nodes may be opened. A no is
// looked at again, so that the end of the record needs no restart.
type hostGuard struct {
	mu   sync.Mutex
	ours string // the state folder that belongs to this host
	said error
}

var thisHost = new(hostGuard)

// check returns why no node may be opened, or nil. A state without a record is
// taken over; where that cannot be written the next start tries again, because
// a full disk must keep nobody's node down.
func (g *hostGuard) check(stateDir string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ours == stateDir {
		return nil
	}
	if err := checkHost(stateDir, machineID()); err != nil {
		if err != g.said {
			logger().Warn("no node is opened", zap.String("state", stateDir), zap.Error(err))
		}
		g.said = err
		return err
	}
	g.ours, g.said = stateDir, nil
	return nil
}

func checkHost(stateDir, id string) error {
	path := filepath.Join(stateDir, hostName)
	data, err := readSmall(path, maxHostFile, syscall.O_NOFOLLOW)
	if errors.Is(err, fs.ErrNotExist) {
		if id == "" {
			return nil // nothing to compare, and nothing to write
		}
		salt := make([]byte, 16)
		rand.Read(salt)
		record := newHostRecord(id, hex.EncodeToString(salt))
		if err := withRoom(stateDir, func() error { return writeAtomic(path, record, 0o600) }); err != nil {
			logger().Warn("cannot remember the host; the next start tries again", zap.Error(err))
		}
		return nil
	}
	var known hostRecord
	if err != nil || json.Unmarshal(data, &known) != nil {
		return errHostRecord
	}
	if !saltForm.MatchString(known.Salt) || !machineForm.MatchString(known.Machine) || known.Version != 1 ||
		!bytes.Equal(known.bytes(), data) { // not as it was written
		return errHostRecord
	}
	switch {
	case id == "":
		return errNoHostID
	case !hmac.Equal(newHostRecord(id, known.Salt), data):
		return errOtherHost
	}
	return nil
}

// newHostRecord is the content of the record of the machine with this id.
func newHostRecord(id, salt string) []byte {
	mac := hmac.New(sha256.New, []byte(id))
	mac.Write([]byte(salt))
	return hostRecord{Version: 1, Salt: salt, Machine: hex.EncodeToString(mac.Sum(nil))}.bytes()
}

func (r hostRecord) bytes() []byte {
	data, _ := json.Marshal(r)
	return append(data, '\n')
}

// machineID returns the host's id, or "" where there is none.
func machineID() string {
	data, err := readSmall(machineIDPath, 64, 0)
	if id := strings.TrimSpace(string(data)); err == nil && machineIDForm.MatchString(id) {
		return id
	}
	return ""
}

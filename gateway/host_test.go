package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tailscale.com/atomicfile"
)

const (
	idHere  = "0123456789abcdef0123456789abcdef"
	idThere = "fedcba9876543210fedcba9876543210"
)

// onHost makes the process one that just started on a machine whose id file
// holds content.
func onHost(t *testing.T, content string) {
	t.Helper()
	was := machineIDPath
	t.Cleanup(func() { machineIDPath, thisHost = was, new(hostGuard) })
	machineIDPath, thisHost = filepath.Join(t.TempDir(), "machine-id"), new(hostGuard)
	if err := os.WriteFile(machineIDPath, []byte(content), 0o444); err != nil {
		t.Fatal(err)
	}
}

func TestHostIsRecordedWithoutItsIDAndOthersAreRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, hostName)
	want := func(what string, want error) {
		t.Helper()
		if got := thisHost.check(dir); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	for _, none := range []string{"", "uninitialized\n", strings.Repeat("0", 100)} {
		onHost(t, none)
		want("no id and no record", nil)
	}
	machineIDPath, thisHost = os.DevNull, new(hostGuard)
	want("/dev/null and no record", nil)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Fatalf("something was recorded: %v", err)
	}

	onHost(t, idHere+"\n")
	want("the first start", nil)
	record, err := os.ReadFile(path)
	if err != nil || bytes.Contains(record, []byte(idHere)) {
		t.Fatalf("%q, %v", record, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	onHost(t, idHere+"\n")
	want("the same host", nil)
	onHost(t, idThere+"\n")
	want("another host", errOtherHost)
	onHost(t, "")
	want("no id with a record", errNoHostID)
	machineIDPath, thisHost = os.DevNull, new(hostGuard)
	want("/dev/null with a record", errNoHostID)
	if now, _ := os.ReadFile(path); !bytes.Equal(now, record) {
		t.Errorf("the record became %q", now)
	}

	onHost(t, idThere+"\n")
	want("another host", errOtherHost)
	os.Remove(path)
	want("adopted, without a restart", nil)
	onHost(t, idHere+"\n")
	want("the former host", errOtherHost)

	other := t.TempDir()
	onHost(t, idHere+"\n")
	if err := thisHost.check(other); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(filepath.Join(other, hostName)); bytes.Equal(again, record) {
		t.Error("two states have the same record of a host: no salt")
	}
}

func TestHostRecordIsWhatTmgenCompares(t *testing.T) {
	// The same as in test/unit/cli/move.test.ts.
	const salt, machine = "000102030405060708090a0b0c0d0e0f", "a2e10fd72036e51e7ed8102cc29e77edaf2309e0eead25f6d40e5b676cb83477"
	want := `{"version":1,"salt":"` + salt + `","machine":"` + machine + "\"}\n"
	if got := string(newHostRecord(strings.Repeat("a", 32), salt)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestHostRecordThatIsDamagedKeepsNodesDown(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, hostName)
	onHost(t, idHere)
	thisHost.check(dir)
	record, _ := os.ReadFile(path)
	damaged := map[string]string{
		"empty": "", "cut": string(record[:40]), "null": "null\n", "longer": string(record) + "\n",
		"huge":     strings.Repeat(" ", maxHostFile) + string(record),
		"version":  strings.Replace(string(record), `"version":1`, `"version":2`, 1),
		"no salt":  string(newHostRecord(idHere, "")),
		"unpadded": strings.Replace(string(record), `"salt":"`, `"salt":"0`, 1),
		"extra":    strings.Replace(string(record), "{", `{"x":1,`, 1),
	}
	for name, content := range damaged {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		thisHost = new(hostGuard)
		if err := thisHost.check(dir); err != errHostRecord {
			t.Errorf("%s: %v", name, err)
		}
	}
	os.Remove(path)
	sound := filepath.Join(dir, "sound")
	os.WriteFile(sound, record, 0o600)
	os.Symlink(sound, path)
	if err := thisHost.check(dir); err != errHostRecord {
		t.Errorf("a link: %v", err)
	}
	os.Remove(path)
	syscall.Mkfifo(path, 0o600)
	if err := thisHost.check(dir); err != errHostRecord {
		t.Errorf("a pipe: %v", err)
	}
}

func TestHostThatCannotBeRecordedOnAFullDiskIsAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	onHost(t, idHere)
	t.Cleanup(func() { writeAtomic = atomicfile.WriteFile })
	tries := 0
	writeAtomic = func(path string, _ []byte, _ os.FileMode) error {
		tries++
		return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
	}
	for range 3 {
		if err := thisHost.check(dir); err != nil {
			t.Fatal(err)
		}
	}
	if tries != 1 {
		t.Errorf("%d tries in one life of the process", tries)
	}
	writeAtomic = atomicfile.WriteFile
	thisHost = new(hostGuard)
	if err := thisHost.check(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, hostName)); err != nil {
		t.Error(err)
	}
}

func TestHostOfACopyOpensNoNodeUntilItIsAdopted(t *testing.T) {
	tn := newTailnet(t)
	g := newGateway(t, tn)
	g.node("alice", upstream(t, "x"), "nobody")
	os.MkdirAll(g.config.StateDir, 0o700)
	onHost(t, idHere)
	g.load()
	before := g.await("alice", isRunning)
	stop := func() { nodes.pop(nodes.configs[0]) }
	start := func() {
		thisHost = new(hostGuard)
		g.config.MemoryLimit += 1 << 30 // Caddy skips a config it has already
		g.load()
	}
	files := func() string {
		all, _ := filepath.Glob(filepath.Join(g.config.StateDir, "alice", "*"))
		var seen []string
		for _, path := range all {
			if info, err := os.Lstat(path); err == nil {
				seen = append(seen, path+info.ModTime().String())
			}
		}
		return strings.Join(seen, "\n")
	}
	stop()
	untouched := files()
	onHost(t, idThere)
	start()
	st := g.await("alice", func(s NodeStatus) bool { return s.State == stateError })
	if st.LastError != errOtherHost.Error() || st.KeyNeeded {
		t.Errorf("%+v", st)
	}
	if now := files(); now != untouched {
		t.Errorf("the state was touched:\n%s\nbefore:\n%s", now, untouched)
	}

	os.Remove(filepath.Join(g.config.StateDir, hostName))
	stop()
	start()
	if now := g.await("alice", isRunning); now.NodeID != before.NodeID || now.IPs[0] != before.IPs[0] {
		t.Errorf("%+v became %+v", before, now)
	}
}

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tailscale.com/tailcfg"
)

func TestTheStatusTellsWhatADeviceThatWasLetInRuns(t *testing.T) {
	h := newHub("alice")
	h.setAllow(newAllowList([]string{"alice"}))
	c, peer := admitted(t, h, identity{login: "alice", account: 1, node: "mac", system: "macOS 15.7.5"}, 7)
	defer peer.Close()
	defer c.Close()
	got := h.seenSystems()
	if len(got) != 1 || got[0].Node != "mac" || got[0].System != "macOS 15.7.5" || got[0].Last == "" {
		t.Fatalf("got %+v", got)
	}
}

func TestSystemsAreBoundedAndTheNewestStay(t *testing.T) {
	s := systems{}
	for i := range maxSystems + 4 {
		s.saw(identity{node: fmt.Sprintf("mac-%02d", i), system: "macOS 26.5"}, time.Unix(int64(i), 0))
	}
	s.saw(identity{node: "silent"}, time.Unix(99, 0))
	all := s.list()
	if len(all) != maxSystems || all[0].Node != "mac-04" || all[maxSystems-1].Node != "mac-19" {
		t.Fatalf("got %+v", all)
	}
}

func TestASystemIsNamedOnlyInItsForm(t *testing.T) {
	for version, want := range map[string]string{
		"15.7.5": "macOS 15.7.5", "": "", "15\n7": "", "<b>": "", strings.Repeat("1", 40): "",
	} {
		info := &tailcfg.Hostinfo{OS: "macOS", OSVersion: version}
		if got := systemOf(info.View()); got != want {
			t.Errorf("%q: got %q, want %q", version, got, want)
		}
	}
	if got := systemOf(tailcfg.HostinfoView{}); got != "" {
		t.Errorf("no info: got %q", got)
	}
}

package main

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"tailscale.com/tailcfg"
)

// maxSystems bounds what is remembered of a node's devices: nobody has more
// Macs than that, and what is missed is a hint.
const maxSystems = 16

// SystemStatus is what a device that was let in runs, by its own account: some
// versions of macOS cannot back up (src/macos.ts).
type SystemStatus struct {
	Node   string `json:"node"`
	System string `json:"system"`
	Last   string `json:"last"`
}

type system struct {
	name string // "macOS 15.7.5"
	last time.Time
}

// systems are those of a node, by device. The hub's lock guards it.
type systems map[string]system

// saw remembers a device; of too many the one that was away longest goes.
func (s systems) saw(id identity, now time.Time) {
	if id.system == "" {
		return
	}
	s[id.node] = system{id.system, now}
	for len(s) > maxSystems {
		oldest := id.node
		for node, one := range s {
			if one.last.Before(s[oldest].last) {
				oldest = node
			}
		}
		delete(s, oldest)
	}
}

// list gives them by device.
func (s systems) list() []SystemStatus {
	all := []SystemStatus{}
	for node, one := range s {
		all = append(all, SystemStatus{node, one.name, timestamp(one.last)})
	}
	slices.SortFunc(all, func(a, b SystemStatus) int { return cmp.Compare(a.Node, b.Node) })
	return all
}

var systemForm = regexp.MustCompile(`^[A-Za-z]{1,20} [0-9][0-9A-Za-z._-]{0,30}$`)

// systemOf names a device's system and version; "" where the control server
// does not pass them on, or what it passes on has another form.
func systemOf(info tailcfg.HostinfoView) string {
	if !info.Valid() {
		return ""
	}
	if name := info.OS() + " " + info.OSVersion(); systemForm.MatchString(name) {
		return name
	}
	return ""
}

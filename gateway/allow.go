package main

import (
	"net/netip"
	"strings"
	"time"
)

// identity is who a peer is: a person's login or, for a tagged machine, tags.
type identity struct {
	login string
	tags  []string
	node  string
}

func (id identity) String() string {
	if len(id.tags) > 0 {
		return strings.Join(id.tags, ",")
	}
	return id.login
}

// allowList is the set of logins and tags that may connect to a node. The
// zero value lets nobody in.
type allowList struct {
	logins, tags map[string]bool
}

// newAllowList makes a list of entries "login" or "tag:name". Logins compare
// without case; "name@" is Headscale's way to write the login "name".
func newAllowList(entries []string) allowList {
	a := allowList{logins: map[string]bool{}, tags: map[string]bool{}}
	for _, e := range entries {
		if strings.HasPrefix(e, "tag:") {
			a.tags[e] = true
		} else if login := normalLogin(e); login != "" {
			a.logins[login] = true
		}
	}
	return a
}

func normalLogin(s string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), "@")
}

// permits reports whether id may connect. A tagged machine has no login: what
// the control server puts in its place is not compared.
func (a allowList) permits(id identity) bool {
	if len(id.tags) > 0 {
		for _, t := range id.tags {
			if a.tags[t] {
				return true
			}
		}
		return false
	}
	login := normalLogin(id.login)
	return login != "" && a.logins[login]
}

const (
	refusalEvery = time.Minute // one line a peer
	refusalPeers = 256         // peers remembered
)

// refusalLog decides which refusals are logged: the first of each peer, then
// one a minute, so that a hostile peer cannot fill the log.
type refusalLog struct {
	last    map[netip.Addr]time.Time
	skipped map[netip.Addr]int
}

// allow reports whether to log now, and how many lines of this peer were left
// out since the last one.
func (r *refusalLog) allow(peer netip.Addr, now time.Time) (skipped int, ok bool) {
	if r.last == nil {
		r.last, r.skipped = map[netip.Addr]time.Time{}, map[netip.Addr]int{}
	}
	last, known := r.last[peer]
	if known && now.Sub(last) < refusalEvery {
		r.skipped[peer]++
		return 0, false
	}
	if !known && len(r.last) >= refusalPeers {
		for p, t := range r.last {
			if now.Sub(t) >= refusalEvery {
				delete(r.last, p)
				delete(r.skipped, p)
			}
		}
		if len(r.last) >= refusalPeers {
			return 0, false
		}
	}
	skipped = r.skipped[peer]
	r.last[peer], r.skipped[peer] = now, 0
	return skipped, true
}

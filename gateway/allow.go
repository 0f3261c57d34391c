package main

import (
	"strings"

	"tailscale.com/tailcfg"
)

// identity is who a peer is: a person's login or, for a tagged machine, tags.
type identity struct {
	login   string
	account tailcfg.UserID // whose login it is: names can be given anew, ids are not
	tags    []string
	node    string
	system  string // what it runs, see systemOf
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

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"tailscale.com/tailcfg"
)

// A login is a name, and a control server can give a name anew: to an account
// made after the first one was deleted, or by a rename. So a node pins each
// login of its allow list to the id of the account that came with it first.
//
// A pin goes in one way only: by another epoch in the configuration, which
// `tmgen set user NAME --rebind` writes. A login that leaves the allow list
// keeps its pin, as does a node that is switched off: neither says anything
// about whose the name is when it comes back.
//
// Tagged machines have no login and are not pinned: who may give out a tag is
// the policy's to say.
type pins struct {
	dir   string // of the node's state; "" keeps the pins in memory
	epoch uint32
	write func(dir string, epoch uint32, known map[string]pin) error

	saving sync.Mutex // one claim at a time; taken before mu

	mu      sync.Mutex // never held while the disk works
	known   map[string]pin
	unread  error                  // why the file cannot be trusted: then nobody gets in
	unsaved error                  // why the last new pin could not be kept
	changed map[string]loginChange // refused, by login
}

// loginChange tells of a login that came with another account than its pin
// names, as the status shows it. Ids are strings: some have more than 53 bits.
type loginChange struct {
	Login string `json:"login"`
	OldID string `json:"old_id"`
	NewID string `json:"new_id"`
	Since string `json:"since"`
	Last  string `json:"last"`
}

var (
	errNotPinned = errors.New("the login is not pinned yet")
	errNoAccount = errors.New("the control server does not say whose login it is")
)

// otherAccountError refuses a login that belongs to another account.
type otherAccountError struct{ pinned, came tailcfg.UserID }

func (e otherAccountError) Error() string {
	return fmt.Sprintf("the login belongs to account %d and is pinned to %d", e.came, e.pinned)
}

// newPins reads the pins of a node. A file that cannot be trusted is a fault
// of the pins, not of the node: it refuses everybody and says so.
func newPins(dir string, epoch uint32) *pins {
	p := &pins{dir: dir, epoch: epoch, write: writePins, changed: map[string]loginChange{}}
	p.load()
	return p
}

func (p *pins) load() {
	known, err := map[string]pin{}, error(nil)
	if p.dir != "" {
		known, err = readPins(pinPath(p.dir, p.epoch))
	}
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		err = at.Err // people know the folder by another path
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.unread = known, err
}

// check reports whether id is the account that its login is pinned to. It
// does not wait for the disk.
func (p *pins) check(id identity) error {
	if len(id.tags) > 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	login := normalLogin(id.login)
	known, ok := p.known[login]
	switch {
	case p.unread != nil:
		return p.unread
	case id.account == 0:
		return errNoAccount
	case !ok:
		return errNotPinned
	case known.ID != id.account:
		p.noteLocked(login, known.ID, id.account)
		return otherAccountError{known.ID, id.account}
	}
	return nil
}

func (p *pins) noteLocked(login string, pinned, came tailcfg.UserID) {
	now := timestamp(time.Now())
	c := loginChange{Login: login, OldID: number(pinned), NewID: number(came), Since: now}
	if before, ok := p.changed[login]; ok && before.NewID == c.NewID {
		c.Since = before.Since
	}
	c.Last = now
	p.changed[login] = c
}

func number(id tailcfg.UserID) string { return strconv.FormatInt(int64(id), 10) }

// claim is check for a new connection of a permitted login: the first one
// pins it. A pin that cannot be written down refuses the connection. On a
// full disk that keeps out who was never here, and nobody else; the other way
// round a person who fills the disk and takes over a name would be let in, and
// forgotten by the next restart.
func (p *pins) claim(id identity) error {
	err := p.check(id)
	if err == nil || errors.Is(err, errNoAccount) || errors.As(err, new(otherAccountError)) {
		return err
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	p.mu.Lock()
	unread := p.unread != nil
	p.mu.Unlock()
	if unread {
		p.load() // it may have been put right meanwhile
	}
	if err = p.check(id); !errors.Is(err, errNotPinned) {
		return err
	}
	login := normalLogin(id.login)
	p.mu.Lock()
	known := maps.Clone(p.known)
	p.mu.Unlock()
	known[login] = pin{Login: login, ID: id.account, Since: time.Now().UTC().Truncate(time.Second)}
	if len(login) > maxLogin {
		err = errors.New("the login is too long")
	} else if err = nil; p.dir != "" {
		err = p.write(p.dir, p.epoch, known)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unsaved = err; err != nil {
		return fmt.Errorf("the login cannot be pinned: %w", err)
	}
	p.known = known
	return nil
}

// report returns the logins that came with another account, and what is wrong
// with the pins of the node themselves, or "".
func (p *pins) report(node string, a allowList) (changed []loginChange, fault string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed = []loginChange{}
	for _, login := range sortedKeys(p.changed) {
		if a.logins[login] {
			changed = append(changed, p.changed[login])
		}
	}
	file := filepath.Base(pinPath(p.dir, p.epoch))
	switch {
	case p.unread != nil:
		fault = fmt.Sprintf("%s: %v; nobody is let in: restore it in state/gateway/%s, or start over with "+
			"tmgen set user %s --rebind", file, p.unread, node, node)
	case p.unsaved != nil:
		fault = fmt.Sprintf("%s cannot be written: %v; only logins that have connected before are let in", file, p.unsaved)
	}
	return changed, fault
}

package main

import (
	"errors"
	"time"

	"tailscale.com/ipn/ipnstate"
)

// keyOffer is what lies in a node's key file, as its running session sees it.
type keyOffer int

const (
	keyNone   keyOffer = iota // no usable key, or the one that the node enrolled with
	keyUnused                 // a key that no login used yet
	keyAsked                  // the same, but the control server was asked and did not need it
)

// loginFacts are all that decides what a key file means now.
type loginFacts struct {
	running  bool     // the node is up, as far as it knows
	gone     bool     // the control server said lately that it does not know the node
	asked    bool     // the control server has wanted a login for longer than loginGrace
	refused  bool     // the control server refused to register the node
	sent     bool     // this session sent a key that was not accepted yet
	urlShown bool     // the control server offers an interactive login instead
	idle     bool     // nobody is connected
	old      bool     // the session is older than loginRetry
	key      keyOffer // what lies in the key file
}

// loginStep is what follows from loginFacts.
type loginStep int

const (
	stepGoOn       loginStep = iota // nothing
	stepKeyRefused                  // the key that was sent is no good: end, and wait for another one
	stepTakeKey                     // end, and register with the key of the file
	stepAskServer                   // end, and register without a key: is a new one needed?
	stepTryAgain                    // end, and register anew after a pause
	stepNeedKey                     // say that a new key is needed
)

// nextLogin decides. A key is never used unless the control server wants a
// login, and a running node is never taken down for one while somebody is
// connected.
func nextLogin(f loginFacts) loginStep {
	wanted := f.asked || f.refused
	if f.running {
		wanted = f.gone
	}
	switch {
	case !wanted && f.running && f.idle && f.key == keyUnused:
		// Somebody knows that the control server lost the node, which the
		// server itself tells only minutes later.
		return stepAskServer
	case !wanted:
		return stepGoOn
	case f.sent && !f.running && (f.refused || f.urlShown):
		return stepKeyRefused
	case f.sent && !f.running: // still on its way
		return stepGoOn
	case f.key != keyNone:
		return stepTakeKey
	case f.running:
		return stepGoOn
	case f.old:
		return stepTryAgain
	default:
		return stepNeedKey
	}
}

// loginFacts gathers what nextLogin wants to know, and why a login was refused.
func (s *session) loginFacts(st *ipnstate.Status, wanted, begun time.Time) (f loginFacts, refusal string) {
	f = loginFacts{
		asked: !wanted.IsZero() && time.Since(wanted) >= loginGrace,
		sent:  s.key.hash != "", urlShown: st.AuthURL != "",
		idle: len(s.node.hub.running()) == 0, old: time.Since(begun) >= loginRetry,
	}
	s.mu.Lock()
	f.running, f.gone = s.running, !s.goneAt.IsZero() && time.Since(s.goneAt) < goneFor
	refusal = s.refusal
	s.mu.Unlock()
	f.refused = refusal != ""
	cfg := s.node.settings
	if hash := s.files.unused(cfg.keyFile, cfg.dir); hash != "" {
		f.key = keyUnused
		if hash == s.node.offered {
			f.key = keyAsked
		}
	}
	return f, refusal
}

// login does what nextLogin says. It returns true when the session has to end.
func (s *session) login(st *ipnstate.Status, wanted, begun time.Time, out *outcome) bool {
	facts, refusal := s.loginFacts(st, wanted, begun)
	step := nextLogin(facts)
	if step == stepKeyRefused {
		if refusal == "" {
			refusal = "the control server did not accept the auth key and asks for an interactive login"
		}
		out.err, out.state, out.refused = errors.New(refusal), stateNeedsKey, s.key.hash
		return true
	}
	if refusal == "" {
		refusal = "the control server wants a login again"
	}
	switch step {
	case stepTakeKey:
		s.node.log().Info("the control server wants a login again; using the new auth key")
		out.newKey = true
	case stepAskServer:
		s.node.offered = s.files.hash
		s.node.log().Info("a new auth key is there; asking the control server whether it is needed")
		out.askAgain = true
	case stepTryAgain:
		out.err, out.state = errors.New(refusal), stateNeedsKey
	case stepNeedKey:
		s.node.set(func(i *nodeInfo) {
			i.state, i.keyNeeded, i.lastError = stateNeedsKey, true, refusal+": put a new auth key in place"
		})
		return false
	default:
		return false
	}
	return true
}

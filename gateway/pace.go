package main

import (
	"context"
	"sync/atomic"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
)

// askEvery is how often a node that runs undisturbed is asked for its state.
// Each question costs about 0.2 ms: asked every second, 200 idle nodes took
// 4 % of a core.
const askEvery = 30 * time.Second

// keyEvery is how often such a node's key file is looked at: a key that is put
// in place although the node runs is never urgent.
const keyEvery = 5 * time.Second

// idlePause is how long a session sleeps while its node runs and nobody is
// connected; what happens to it ends the sleep. 200 idle nodes that woke every
// second took 2 % of a core.
const idlePause = 5 * time.Second

// leastPause is between two looks however much happens.
const leastPause = 100 * time.Millisecond

// pulse knows a node's state without asking each time: what changes it stirs
// the pulse.
type pulse struct {
	stirred atomic.Bool
	woken   chan struct{}
	last    *ipnstate.Status
	asked   time.Time
	keyed   time.Time // when the key file was looked at
}

func newPulse() *pulse { return &pulse{woken: make(chan struct{}, 1)} }

// stir makes the next look ask, and soon.
func (p *pulse) stir() {
	p.stirred.Store(true)
	p.wake()
}

// wake ends a pause.
func (p *pulse) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// pause waits until the next look is due, and reports false when ctx ends. busy
// says that somebody is connected.
func (p *pulse) pause(ctx context.Context, busy bool) bool {
	due := watchEvery
	if p.runs() && !busy {
		due = idlePause
	}
	timer := time.NewTimer(due)
	defer timer.Stop()
	least := time.NewTimer(min(due, leastPause))
	defer least.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-least.C:
	}
	select {
	case <-ctx.Done():
		return false
	case <-p.woken:
	case <-timer.C:
	}
	return true
}

// look returns the state: the last known one if the node was running then,
// nothing happened to it and it is not old.
func (p *pulse) look(ctx context.Context, ask func(context.Context) (*ipnstate.Status, error)) (*ipnstate.Status, error) {
	stirred := p.stirred.Swap(false)
	if stirred {
		p.keyed = time.Time{}
	}
	if !stirred && time.Since(p.asked) < askEvery && p.runs() {
		return p.last, nil
	}
	st, err := ask(ctx)
	p.last, p.asked = st, time.Now()
	if err != nil {
		p.last = nil
	}
	return st, err
}

// keyDue reports whether to look at the key file now.
func (p *pulse) keyDue() bool {
	if p.runs() && time.Since(p.keyed) < keyEvery {
		return false
	}
	p.keyed = time.Now()
	return true
}

func (p *pulse) runs() bool {
	return p.last != nil && p.last.BackendState == ipn.Running.String()
}

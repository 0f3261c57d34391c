package main

import (
	"context"
	"errors"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
)

// asker counts how often a node is asked for its state.
type asker struct {
	state ipn.State
	err   error
	asked int
}

func (a *asker) ask(context.Context) (*ipnstate.Status, error) {
	a.asked++
	return &ipnstate.Status{BackendState: a.state.String()}, a.err
}

func TestAQuietNodeIsSeldomAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, p, keys := &asker{state: ipn.Running}, newPulse(), 0
		for range 300 {
			p.look(t.Context(), a.ask)
			if p.keyDue() {
				keys++
			}
			time.Sleep(watchEvery)
		}
		if most := int(300*watchEvery/keyEvery) + 1; keys > most {
			t.Errorf("key file looked at %d times in 300 looks, want at most %d", keys, most)
		}
		if most := int(300*watchEvery/askEvery) + 1; a.asked > most {
			t.Errorf("asked %d times in 300 looks, want at most %d", a.asked, most)
		}
	})
}

func TestAStirredNodeIsAskedAtTheNextLook(t *testing.T) {
	a, p := &asker{state: ipn.Running}, newPulse()
	p.look(t.Context(), a.ask)
	a.state = ipn.NeedsLogin
	p.stir()
	if st, _ := p.look(t.Context(), a.ask); st.BackendState != ipn.NeedsLogin.String() {
		t.Errorf("after a stir the state is still %s", st.BackendState)
	}
	if !p.keyDue() || !p.keyDue() {
		t.Error("the key file of a node that wants a login is not looked at each time")
	}
}

func TestANodeThatDoesNotRunIsAskedEachTime(t *testing.T) {
	for _, a := range []*asker{{state: ipn.Starting}, {state: ipn.Running, err: errors.New("no answer")}} {
		p := newPulse()
		for range 5 {
			p.look(t.Context(), a.ask)
		}
		if a.asked != 5 {
			t.Errorf("%v, %v: asked %d times in 5 looks", a.state, a.err, a.asked)
		}
	}
}

func TestTheSoftLimitLeavesRoomForIdleBuffers(t *testing.T) {
	defer setMemoryLimit(0, 0)
	setMemoryLimit(100<<20, 200)
	// 1 MiB a node: with the small buffers of patch/, which `patched test` builds.
	if got := debug.SetMemoryLimit(-1); got != 100<<20+200<<20 {
		t.Errorf("limit of 200 nodes is %d MiB", got>>20)
	}
	setMemoryLimit(0, 200)
	if got := debug.SetMemoryLimit(-1); got != 1<<63-1 {
		t.Errorf("without a limit there is one of %d MiB", got>>20)
	}
}

func TestASessionSleepsLongerWhileNobodyIsConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse()
		p.look(t.Context(), (&asker{state: ipn.Running}).ask)
		slept := func(busy bool) time.Duration {
			begun := time.Now()
			if !p.pause(t.Context(), busy) {
				t.Fatal("the pause says that the context has ended")
			}
			return time.Since(begun)
		}
		if got := slept(false); got != idlePause {
			t.Errorf("idle it slept %s", got)
		}
		if got := slept(true); got != watchEvery {
			t.Errorf("with somebody connected it slept %s", got)
		}
		time.AfterFunc(time.Second, p.wake)
		if got := slept(false); got != time.Second {
			t.Errorf("woken after 1 s it slept %s", got)
		}
		for range 10 {
			p.stir()
		}
		if got := slept(false); got != leastPause {
			t.Errorf("stirred before, it slept %s", got)
		}
		p.last.BackendState = ipn.Starting.String()
		if got := slept(false); got != watchEvery {
			t.Errorf("while it does not run it slept %s", got)
		}
	})
}

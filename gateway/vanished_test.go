package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestAVanishedPeerIsCutAndASilentOneIsNot(t *testing.T) {
	h := newHub("alice")
	h.setAllow(newAllowList([]string{"alice"}))
	a, _ := net.Pipe()
	c := newConn(h, a, testSrc, testDst)
	h.admit(c, known("alice", nil))
	peer, alive := testSrc.Addr(), true
	v := newVanished(nil)
	v.ping = func(context.Context, netip.Addr) bool { return alive }
	look := func() {
		v.looked, v.asked[peer] = -watchPings, -pingEvery
		v.check(context.Background(), h)
	}
	c.heard.Store(int64(uptime() - vanishedTime + time.Second))
	look()
	eventually(t, 5*time.Second, func() error {
		if len(v.results) == 0 {
			return errors.New("no ping")
		}
		return nil
	})
	c.heard.Store(int64(uptime() - 2*vanishedTime))
	look()
	if len(h.running()) != 1 {
		t.Fatal("a peer that answers was cut")
	}
	alive = false
	v.answered[peer] = uptime() - vanishedTime
	for len(v.results) > 0 {
		<-v.results
	}
	look()
	if len(h.running()) != 0 {
		t.Fatal("a vanished peer keeps its connection")
	}
}

// A Mac that slept for a minute may have been heard last silentAfter before
// it, and has pings left to answer once it is awake; and what vanished is
// found with time to spare before the three minutes are over.
func TestASleepOfAMinuteIsNoVanishing(t *testing.T) {
	lastPing := vanishedTime - pingEvery - watchPings - pingTimeout
	if awake := silentAfter + time.Minute + pingEvery; lastPing < awake {
		t.Errorf("awake again after %v, but the last ping is sent at %v", awake, lastPing)
	}
	if found := vanishedTime + watchPings + watchEvery; found > 150*time.Second {
		t.Errorf("a peer that vanished is cut after %v", found)
	}
}

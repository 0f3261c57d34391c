package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/views"
)

func TestWhetherADeviceThatMayComeIsOnline(t *testing.T) {
	alice := tailcfg.UserID(5)
	on, off := new(true), new(false)
	type device struct {
		login   tailcfg.UserID
		tags    []string
		system  string
		expired bool
		online  *bool
	}
	mac := func(online *bool) device { return device{login: alice, system: "macOS", online: online} }
	many := make([]device, maxDevices+1)
	for i := range many {
		many[i] = mac(off)
	}
	for _, c := range []struct {
		name    string
		devices []device
		cutOff  bool
		want    *bool
	}{
		{"nobody is known", nil, false, nil},
		{"a Mac that sends nothing is on", []device{mac(on)}, false, on},
		{"it is off", []device{mac(off)}, false, off},
		{"nobody says", []device{mac(nil)}, false, nil},
		{"one of two is on", []device{mac(off), mac(on)}, false, on},
		{"of one of two nobody says", []device{mac(off), mac(nil)}, false, nil},
		{"the node is cut off", []device{mac(off)}, true, nil},
		{"and of what was on it hears no more either", []device{mac(on)}, true, nil},
		{"a telephone is no Mac", []device{mac(off), {login: alice, system: "iOS", online: on}}, false, off},
		{"a system that is not told may be one", []device{mac(off), {login: alice, online: on}}, false, on},
		{"somebody else's is not told", []device{{login: 6, online: on}}, false, nil},
		{"nor one of another account of that name", []device{{login: 7, online: on}}, false, nil},
		{"a tag of the list counts", []device{{tags: []string{"tag:mac"}, online: off}}, false, off},
		{"another tag does not, whoever made it", []device{{login: alice, tags: []string{"tag:server"}, online: on}}, false, nil},
		{"one whose key is expired cannot come", []device{{login: alice, expired: true, online: off}}, false, nil},
		{"and says nothing of the others", []device{{login: alice, expired: true, online: nil}, mac(off)}, false, off},
		{"of too many only what is on is told", many, false, nil},
		{"and that is", append([]device{mac(on)}, many...), false, on},
	} {
		h := pinnedHub(t.TempDir(), 0)
		if !letsIn(h, as("alice", alice)) {
			t.Fatal("she is not let in")
		}
		st := &ipnstate.Status{
			Self: &ipnstate.PeerStatus{Online: !c.cutOff},
			Peer: map[key.NodePublic]*ipnstate.PeerStatus{},
			User: map[tailcfg.UserID]tailcfg.UserProfile{
				alice: {ID: alice, LoginName: "alice"}, 6: {ID: 6, LoginName: "bob"}, 7: {ID: 7, LoginName: "Alice@"},
			},
		}
		known := map[netip.Addr]*bool{}
		for i, d := range c.devices {
			ip := netip.AddrFrom4([4]byte{100, 64, 0, byte(i)})
			p := &ipnstate.PeerStatus{
				UserID: d.login, TailscaleIPs: []netip.Addr{ip}, OS: d.system, Expired: d.expired,
				Online: d.online != nil && *d.online,
			}
			if d.tags != nil {
				p.Tags = new(views.SliceOf(d.tags))
			}
			st.Peer[key.NewNode().Public()] = p
			known[ip] = d.online
		}
		asked := 0
		got := deviceOnline(context.Background(), st, h.guests(), func(_ context.Context, ip netip.Addr) *bool {
			asked++
			return known[ip]
		})
		if truthOf(got) != truthOf(c.want) {
			t.Errorf("%s: %s, want %s", c.name, truthOf(got), truthOf(c.want))
		}
		if asked > maxDevices {
			t.Errorf("%s: %d were asked about", c.name, asked)
		}
		// To look is no try of anybody to come in.
		if changed, _ := h.pinReport(); len(changed) != 0 {
			t.Errorf("%s: %v", c.name, changed)
		}
	}
}

func truthOf(b *bool) string {
	text, _ := json.Marshal(b)
	return string(text)
}

// TestTheStatusTellsWhetherAnIdleDeviceIsOnline has a control server that says
// nothing of it at first, as one does that keeps it for itself.
func TestTheStatusTellsWhetherAnIdleDeviceIsOnline(t *testing.T) {
	tn := newTailnet(t)
	_, login := tn.peer(t, "alice-mac")
	tn.peer(t, "bob-mac")
	g := newGateway(t, tn)
	g.node("alice", upstream(t, "alice"), login)
	g.load()
	g.await("alice", isRunning)
	nodeOf := func(hostname string) *tailcfg.Node {
		for _, n := range tn.AllNodes() {
			if n.Hostinfo.Hostname() == hostname {
				return n
			}
		}
		t.Fatalf("%s is not in the tailnet", hostname)
		return nil
	}
	want := func(want string) {
		t.Helper()
		eventually(t, 20*time.Second, func() error {
			answer, err := json.Marshal(g.status("alice"))
			if err != nil {
				return err
			}
			var told struct {
				DeviceOnline json.RawMessage `json:"device_online"`
				Peers        []any           `json:"peers"`
			}
			if err := json.Unmarshal(answer, &told); err != nil {
				return err
			}
			if string(told.DeviceOnline) != want || len(told.Peers) != 0 {
				return fmt.Errorf("%s, want %s", answer, want)
			}
			return nil
		})
	}
	tell := func(hostname string, online bool) {
		t.Helper()
		patch := &tailcfg.PeerChange{NodeID: nodeOf(hostname).ID, Online: new(online)}
		message := &tailcfg.MapResponse{PeersChangedPatch: []*tailcfg.PeerChange{patch}}
		if !tn.AddRawMapResponse(nodeOf("tm-alice").Key, message) {
			t.Fatal("the node does not listen")
		}
	}
	want("null")
	tell("bob-mac", true)
	tell("alice-mac", false)
	want("false")
	tell("alice-mac", true)
	want("true")
	tell("alice-mac", false)
	want("false")
}

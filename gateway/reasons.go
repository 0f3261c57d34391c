package main

// refusal is why a connection was not let in. The set is fixed: it labels
// metrics. A new reason is a constant here, its name below and a line in
// docs/reference/metrics.md.
type refusal uint8

const (
	notRefused          refusal = iota
	refusedNodeFull             // the node has maxConns connections
	refusedPeerFull             // the peer has maxPeerConns connections
	refusedRate                 // the peer connects too often
	refusedOpening              // the peer has too many connections that are not established yet
	refusedUnknownPeer          // the tailnet does not say who it is
	refusedNotAllowed           // not in the allow list
	refusedLoginChanged         // the login belongs to another account than before
	refusedNoPin                // the login cannot be pinned to an account
	refusals                    // how many there are
)

var refusalNames = [refusals]string{
	notRefused:          "none",
	refusedNodeFull:     "node_full",
	refusedPeerFull:     "peer_full",
	refusedRate:         "rate",
	refusedOpening:      "opening",
	refusedUnknownPeer:  "unknown_peer",
	refusedNotAllowed:   "not_allowed",
	refusedLoginChanged: "login_changed",
	refusedNoPin:        "no_pin",
}

func (r refusal) String() string { return refusalNames[r] }

// ending is why a connection that was let in is over; fixed as refusal is.
type ending uint8

const (
	notEnded             ending = iota
	endedPeerClosed             // the peer ended it
	endedPeerReset              // the peer, or the way to it, broke it off
	endedPeerVanished           // the peer is not there any more
	endedUpstreamClosed         // the upstream ended it
	endedUpstreamFailed         // the upstream broke it off
	endedUpstreamDown           // the upstream could not be reached
	endedAccessLost             // the peer may not connect any more
	endedNodeStopped            // the node was removed, restarted or lost its login
	endedGatewayStopping        // the gateway stops
	endedNoRoute                // no route took it in time
	endedInternal               // a fault of the gateway
	endings                     // how many there are
)

var endingNames = [endings]string{
	notEnded:             "none",
	endedPeerClosed:      "peer_closed",
	endedPeerReset:       "peer_reset",
	endedPeerVanished:    "peer_vanished",
	endedUpstreamClosed:  "upstream_closed",
	endedUpstreamFailed:  "upstream_failed",
	endedUpstreamDown:    "upstream_down",
	endedAccessLost:      "access_lost",
	endedNodeStopped:     "node_stopped",
	endedGatewayStopping: "gateway_stopping",
	endedNoRoute:         "no_route",
	endedInternal:        "internal",
}

func (e ending) String() string { return endingNames[e] }

package main

import (
	"runtime/debug"

	wgconn "github.com/tailscale/wireguard-go/conn"
	"github.com/tailscale/wireguard-go/device"
)

// bufferSpace is what Go counts for the message buffers of one idle node: 4
// readers (IPv4, IPv6, relay, the node's own stack) of a batch of buffers
// (wireguard-go, device.PopulatePools): 1 MiB with the small buffers of
// patch/, 32 MiB without. Hardly a page of it is ever touched, so that it is
// no memory in use; but counted against the limit it would leave nothing to
// many nodes, and the collector would never rest.
const bufferSpace = 4 * wgconn.IdealBatchSize * device.MaxMessageSize

// gcPercent lets the heap grow to three times what is in use before a
// collection, Go's default being two: 5 % less CPU time for 30 MiB. The limit
// still decides when memory is short.
const gcPercent = 200

// setMemoryLimit applies the soft limit, 0 for none, to a process of that
// many nodes.
func setMemoryLimit(bytes int64, nodes int) {
	debug.SetGCPercent(gcPercent)
	if bytes <= 0 {
		debug.SetMemoryLimit(1<<63 - 1)
		return
	}
	debug.SetMemoryLimit(bytes + int64(nodes)*bufferSpace)
}

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

// setMemoryLimit applies the soft limit, 0 for none, to a process of that
// many nodes. The collector's pace stays at Go's default: the limit alone
// decides when memory is short.
func setMemoryLimit(bytes int64, nodes int) {
	if bytes <= 0 {
		debug.SetMemoryLimit(1<<63 - 1)
		return
	}
	debug.SetMemoryLimit(bytes + int64(nodes)*bufferSpace)
}

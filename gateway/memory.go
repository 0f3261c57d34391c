package main

import "runtime/debug"

// bufferSpace is what Go counts for the message buffers of one idle node: 4
// readers (IPv4, IPv6, relay, the node's own stack) of 128 buffers of 64 KiB
// each (wireguard-go, device.PopulatePools). Hardly a page of it is ever
// touched, so that it is no memory in use; but counted against the limit it
// leaves nothing for more than a dozen nodes, and the collector never rests.
const bufferSpace = 4 * 128 * 64 << 10

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

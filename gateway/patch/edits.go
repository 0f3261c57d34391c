package main

// edit replaces one passage of a module's file. Old has to be there exactly
// once: another version of the module then fails the build instead of being
// built without the edit.
type edit struct{ module, file, old, new string }

const (
	tailscale = "tailscale.com"
	wireguard = "github.com/tailscale/wireguard-go"
)

// edits first make every packet travel in a buffer of 2 KiB. On Linux wireguard-go
// uses 64 KiB for each, because one buffer may receive several coalesced
// datagrams (UDP GRO) or hold a segment before it is split (GSO). With 2 KiB
// the gateway needs a quarter of the memory after a copy, and Go's memory
// limit counts 1 MiB for an idle node instead of 32 (docs/performance.md).
// Windows, iOS and Android have buffers of about this size upstream
// (wireguard-go/device/queueconstants_*.go); the tailnet's MTU is 1280.
var edits = []edit{
	{wireguard, "device/queueconstants_default.go",
		"MaxSegmentSize             = (1 << 16) - 1 // largest possible UDP datagram",
		"MaxSegmentSize             = 2048"},
	// Coalesced datagrams are received in two large buffers of the socket and
	// split into the small ones of the caller.
	{tailscale, "net/batching/conn_linux.go",
		"	rxqOverflows uint32 // kernel pumps",
		"	coalesced    []ipv6.Message // guarded by readOpMu\n	rxqOverflows uint32 // kernel pumps"},
	{tailscale, "net/batching/conn_linux.go",
		`	// Read into the tail of msgs, split into the head.
	readAt := len(msgs) - 2
	n, err = c.xpc.ReadBatch(msgs[readAt:], 0)
	if err != nil || n == 0 {
		return 0, err
	}
	c.handleRXQOverflowCounter(msgs[readAt:], n, err)
	return c.splitCoalescedMessages(msgs, readAt)
}
`,
		`	if c.coalesced == nil {
		c.coalesced = make([]ipv6.Message, 2)
		for i := range c.coalesced {
			c.coalesced[i].Buffers = [][]byte{make([]byte, 1<<16)}
			c.coalesced[i].OOB = make([]byte, controlMessageSize)
		}
	}
	n, err = c.xpc.ReadBatch(c.coalesced, 0)
	if err != nil || n == 0 {
		return 0, err
	}
	c.handleRXQOverflowCounter(c.coalesced, n, err)
	return splitInto(msgs, c.coalesced[:n])
}

// splitInto copies the datagrams in coalesced, one each, to msgs and returns
// how many there were. One larger than its buffer is dropped.
func splitInto(msgs, coalesced []ipv6.Message) (n int, err error) {
	for i := range coalesced {
		src := &coalesced[i]
		size, err := getGSOSizeFromControl(src.OOB[:src.NN])
		if err != nil {
			return n, err
		}
		if size <= 0 {
			size = src.N
		}
		for start := 0; start < src.N; start += size {
			datagram := src.Buffers[0][start:min(start+size, src.N)]
			if len(datagram) > len(msgs[0].Buffers[0]) {
				continue
			}
			if n == len(msgs) {
				return n, errors.New("splitting coalesced packet resulted in overflow")
			}
			msgs[n].N = copy(msgs[n].Buffers[0], datagram)
			msgs[n].Addr = src.Addr
			n++
		}
	}
	return n, nil
}
`},
	// A segment of the node's own TCP stack is up to 64 KiB until it is split.
	{tailscale, "net/tstun/wrap.go",
		"const MaxPacketSize = device.MaxContentSize",
		"const MaxPacketSize = 1<<16 - 1 - device.MessageTransportSize - device.MessageEncapsulatingTransportSize"},
	{tailscale, "net/tstun/wrap.go",
		"type Wrapper struct {\n",
		"type Wrapper struct {\n	segment []byte // of injectedRead: a segment larger than a packet's buffer\n"},
	{tailscale, "net/tstun/wrap.go",
		"	pkt := outBuffs[0][offset:]\n	if res.packet != nil {\n",
		`	pkt := outBuffs[0][offset:]
	if res.packet != nil && res.packet.Size() > len(pkt) {
		if t.segment == nil {
			t.segment = make([]byte, 1<<16)
		}
		pkt = t.segment
	}
	if res.packet != nil {
`},
	// MakeWithData copies what it is given; the packet need not be copied for
	// it before.
	{tailscale, "wgengine/netstack/gro/gro.go",
		"		Payload: buffer.MakeWithData(bytes.Clone(buf)),\n	})\n	packetBuf.NetworkProtocolNumber = pn",
		"		Payload: buffer.MakeWithData(buf),\n	})\n	packetBuf.NetworkProtocolNumber = pn"},
	// AsSlices is where the bytes are; ToSlice copies them once more.
	{tailscale, "net/tstun/wrap.go",
		`		bufN := copy(pkt, res.packet.NetworkHeader().Slice())
		bufN += copy(pkt[bufN:], res.packet.TransportHeader().Slice())
		bufN += copy(pkt[bufN:], res.packet.Data().AsRange().ToSlice())
`,
		`		bufN := 0
		for _, part := range res.packet.AsSlices() {
			bufN += copy(pkt[bufN:], part)
		}
`},
}

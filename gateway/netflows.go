package main

import (
	"net/netip"
	"reflect"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"tailscale.com/tsnet"
	"tailscale.com/wgengine/netstack"
)

// netstackNIC is the one interface of a node (tailscale.com/wgengine/netstack).
const netstackNIC = 1

// netFlows is the flows of a running node.
type netFlows struct{ stack *stack.Stack }

// flowsOf looks into a server that was started. The library shows its network
// to nobody, so it is read from an unexported field; where that is gone, which
// a test would tell, the answer is nil: nothing is resized or ended early.
func flowsOf(srv *tsnet.Server) flows {
	impl, ok := srv.Sys().Netstack.Get().(*netstack.Impl)
	if !ok {
		return nil
	}
	field := reflect.ValueOf(impl).Elem().FieldByName("ipstack")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*stack.Stack]() || field.IsNil() {
		return nil
	}
	return netFlows{(*stack.Stack)(field.UnsafePointer())}
}

// endpoint returns the network's end of a connection, or nil.
func (n netFlows) endpoint(src, dst netip.AddrPort) *tcp.Endpoint {
	protocol := header.IPv4ProtocolNumber
	if dst.Addr().Is6() {
		protocol = header.IPv6ProtocolNumber
	}
	found := n.stack.FindTransportEndpoint(protocol, tcp.ProtocolNumber, stack.TransportEndpointID{
		LocalPort: dst.Port(), LocalAddress: tcpip.AddrFromSlice(dst.Addr().AsSlice()),
		RemotePort: src.Port(), RemoteAddress: tcpip.AddrFromSlice(src.Addr().AsSlice()),
	}, netstackNIC)
	e, _ := found.(*tcp.Endpoint)
	return e
}

func (n netFlows) state(src, dst netip.AddrPort) flow {
	switch e := n.endpoint(src, dst); {
	case e == nil:
		return flowGone
	case e.EndpointState() == tcp.StateSynRecv:
		return flowHalfOpen
	default:
		return flowOpen
	}
}

func (n netFlows) abort(src, dst netip.AddrPort) {
	if e := n.endpoint(src, dst); e != nil {
		e.Abort()
	}
}

func (n netFlows) resize(src, dst netip.AddrPort, size int) {
	if e := n.endpoint(src, dst); e != nil {
		e.SocketOptions().SetSendBufferSize(int64(size), true)
		e.SocketOptions().SetReceiveBufferSize(int64(size), true)
	}
}

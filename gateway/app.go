package main

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(new(App))
	caddy.RegisterNetwork("tailscale", listen)
}

// App is the Caddy app "tailscale". It only hands its nodes to the manager,
// which outlives every configuration.
type App struct {
	Config
}

// CaddyModule names the module for Caddy.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "tailscale", New: func() caddy.Module { return new(App) }}
}

// Provision checks the configuration.
func (a *App) Provision(caddy.Context) error { return a.Config.validate() }

// Start makes this configuration the wanted one. It never fails and never
// waits for a node.
func (a *App) Start() error {
	nodes.push(&a.Config)
	return nil
}

// Stop takes this configuration back. Caddy stops the old one after the new
// one has started, so that only the last one stopped ends the nodes.
func (a *App) Stop() error {
	nodes.pop(&a.Config)
	return nil
}

// listen is the Caddy network "tailscale": host is the node's name.
func listen(_ context.Context, _, host, portRange string, offset uint, _ net.ListenConfig) (any, error) {
	port, err := strconv.ParseUint(portRange, 10, 16)
	if err != nil || port == 0 || offset != 0 {
		return nil, fmt.Errorf("tailscale/%s:%s: need one port", host, portRange)
	}
	return nodes.hub(host).listen(uint16(port)), nil
}

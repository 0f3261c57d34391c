package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// minMemoryLimit is the smallest soft limit accepted: below it the garbage
// collector would run all the time.
const minMemoryLimit = 16 << 20

// Config is apps.tailscale in the gateway's configuration.
type Config struct {
	// ControlURL is the control server of all nodes, http or https.
	ControlURL string `json:"control_url"`
	// StateDir holds one folder a node.
	StateDir string `json:"state_dir"`
	// MemoryLimit is the soft memory limit in bytes; 0 sets none.
	MemoryLimit int64 `json:"memory_limit,omitempty"`
	// StatusSocket is the path of the read-only status socket.
	StatusSocket string `json:"status_socket,omitempty"`
	// Nodes are the devices to host, by name.
	Nodes map[string]NodeConfig `json:"nodes,omitempty"`
}

// NodeConfig is one node: a device of its own in the tailnet.
type NodeConfig struct {
	// Hostname is the device's name in the tailnet.
	Hostname string `json:"hostname"`
	// Port is the node's UDP port.
	Port uint16 `json:"port"`
	// AuthKeyFile is read at each try to register, never while enrolled.
	AuthKeyFile string `json:"auth_key_file"`
	// Allow lists logins and tags that may connect; empty lets nobody in.
	Allow []string `json:"allow,omitempty"`
	// PinEpoch, when it changes, makes the node forget which account each
	// login belongs to. Neither the node nor a connection ends for it.
	PinEpoch uint32 `json:"pin_epoch,omitempty"`
}

var (
	nodeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$`)
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// validate reports every fault in c, each with the path of the field.
func (c *Config) validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if u, err := url.Parse(c.ControlURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		bad("control_url: not an http or https URL")
	}
	if !filepath.IsAbs(c.StateDir) {
		bad("state_dir: not an absolute path")
	}
	if c.StatusSocket != "" && !filepath.IsAbs(c.StatusSocket) {
		bad("status_socket: not an absolute path")
	}
	if c.MemoryLimit != 0 && c.MemoryLimit < minMemoryLimit {
		bad("memory_limit: %d bytes is less than %d", c.MemoryLimit, minMemoryLimit)
	}
	ports, hosts := map[uint16]string{}, map[string]string{}
	for _, name := range sortedKeys(c.Nodes) {
		n := c.Nodes[name]
		if !nodeName.MatchString(name) {
			bad("nodes: %q is not a node name", name)
		}
		if !dnsLabel.MatchString(n.Hostname) {
			bad("nodes.%s.hostname: %q is not a DNS label", name, n.Hostname)
		}
		if other, ok := hosts[n.Hostname]; ok {
			bad("nodes.%s.hostname: %q is taken by %s", name, n.Hostname, other)
		}
		hosts[n.Hostname] = name
		if n.Port == 0 {
			bad("nodes.%s.port: missing", name)
		} else if other, ok := ports[n.Port]; ok {
			bad("nodes.%s.port: %d is taken by %s", name, n.Port, other)
		}
		ports[n.Port] = name
		if !filepath.IsAbs(n.AuthKeyFile) {
			bad("nodes.%s.auth_key_file: not an absolute path", name)
		}
		if slices.Contains(n.Allow, "") {
			bad("nodes.%s.allow: empty entry", name)
		}
	}
	return errors.Join(errs...)
}

// fileConfig is the part of a configuration file that is checked as a whole,
// before Caddy starts anything: Caddy starts apps in no fixed order.
type fileConfig struct {
	Apps struct {
		Tailscale *Config `json:"tailscale"`
		Layer4    struct {
			Servers map[string]serverConfig `json:"servers"`
		} `json:"layer4"`
	} `json:"apps"`
}

// serverConfig is a route of layer 4, as far as it is looked at.
type serverConfig struct {
	Listen []string `json:"listen"`
	Routes []struct {
		Handle []Relay `json:"handle"`
	} `json:"routes"`
}

// checkFile parses and checks a whole configuration file without starting
// anything, and returns its tailscale part. Unknown fields are errors.
func checkFile(data []byte) (*Config, error) {
	var whole caddy.Config
	if err := caddy.StrictUnmarshalJSON(data, &whole); err != nil {
		return nil, err
	}
	if whole.Admin == nil || !whole.Admin.Disabled {
		return nil, errors.New("admin: not disabled; Caddy's API could change everything")
	}
	for name := range whole.AppsRaw {
		if name != "tailscale" && name != "layer4" {
			return nil, fmt.Errorf("apps.%s: unknown app", name)
		}
	}
	var c Config
	if err := caddy.StrictUnmarshalJSON(orNull(whole.AppsRaw["tailscale"]), &c); err != nil {
		return nil, fmt.Errorf("apps.tailscale: %w", err)
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("apps.tailscale: %w", err)
	}
	var f fileConfig
	if err := unmarshalLoose(data, &f); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(f.Apps.Layer4.Servers) {
		if err := checkServer(f.Apps.Layer4.Servers[name], &c); err != nil {
			return nil, fmt.Errorf("apps.layer4.servers.%s.%w", name, err)
		}
	}
	return &c, nil
}

// validateFile is checkFile, with every module provisioned as well. Caddy does
// the same by itself when it loads a configuration.
func validateFile(data []byte) (*Config, error) {
	c, err := checkFile(data)
	if err != nil {
		return nil, err
	}
	var whole caddy.Config
	if err := caddy.StrictUnmarshalJSON(data, &whole); err != nil {
		return nil, err
	}
	whole.Admin = &caddy.AdminConfig{Disabled: true}
	return c, caddy.Validate(&whole)
}

// checkServer checks where a route listens, and that pages and nothing else
// are served at pagePort: a connection counts by its port.
func checkServer(s serverConfig, c *Config) error {
	for _, addr := range s.Listen {
		port, err := checkListen(addr, c)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		for _, r := range s.Routes {
			for _, h := range r.Handle {
				if strings.HasPrefix(h.Upstream, unixUpstream) != (port == pagePort) {
					return fmt.Errorf("routes: %q cannot be at port %d: a page, and nothing else, is at %d", h.Upstream, port, pagePort)
				}
			}
		}
	}
	return nil
}

// checkListen accepts tailscale/<node>:<port> for a node of c and nothing
// else, so that no route is ever opened outside the tailnet.
func checkListen(addr string, c *Config) (port uint16, err error) {
	host, text, err := net.SplitHostPort(strings.TrimPrefix(addr, "tailscale/"))
	if err != nil || !strings.HasPrefix(addr, "tailscale/") {
		return 0, fmt.Errorf("%q is not tailscale/<node>:<port>", addr)
	}
	if _, ok := c.Nodes[host]; !ok {
		return 0, fmt.Errorf("%q names a node that does not exist", addr)
	}
	p, err := strconv.ParseUint(text, 10, 16)
	if err != nil || p == 0 {
		return 0, fmt.Errorf("%q has no single port", addr)
	}
	return uint16(p), nil
}

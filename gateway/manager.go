package main

import (
	"slices"
	"sync"
	"time"
)

// stopGrace is how long a stop of all nodes may take: Docker kills a
// container 10 s after SIGTERM.
const stopGrace = 8 * time.Second

// nodes is the process's one set of nodes. Caddy creates and drops
// configurations; the nodes stay.
var nodes = newManager()

// manager keeps the running nodes equal to the last configuration started.
type manager struct {
	mu      sync.Mutex
	configs []*Config // started and not stopped, oldest first
	nodes   map[string]*node
	hubs    map[string]*hub
	stopped []<-chan struct{} // nodes that are still ending
}

func newManager() *manager {
	return &manager{nodes: map[string]*node{}, hubs: map[string]*hub{}}
}

// hub returns the meeting point of a node's connections and its listeners,
// whichever comes first.
func (m *manager) hub(name string) *hub {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hubLocked(name)
}

func (m *manager) hubLocked(name string) *hub {
	h := m.hubs[name]
	if h == nil {
		h = newHub(name)
		m.hubs[name] = h
	}
	return h
}

// push makes c the wanted configuration.
func (m *manager) push(c *Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.configs = append(m.configs, c)
	m.applyLocked(c)
}

// pop takes c back: the newest one left is wanted again, or none.
func (m *manager) pop(c *Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.configs, c)
	if i < 0 {
		return
	}
	newest := i == len(m.configs)-1
	m.configs = slices.Delete(m.configs, i, i+1)
	switch {
	case !newest:
	case len(m.configs) > 0:
		m.applyLocked(m.configs[len(m.configs)-1])
	default:
		m.applyLocked(&Config{})
		m.waitLocked(stopGrace)
	}
}

// applyLocked starts, restarts and stops nodes until they are those of c. A
// node whose settings are unchanged is not touched.
func (m *manager) applyLocked(c *Config) {
	if len(m.configs) > 0 {
		setMemoryLimit(c.MemoryLimit, len(c.Nodes))
	}
	for name, n := range m.nodes {
		if _, ok := c.Nodes[name]; !ok {
			m.hubLocked(name).remove()
			m.stopLocked(n)
			delete(m.hubs, name)
		}
	}
	for _, name := range sortedKeys(c.Nodes) {
		h := m.hubLocked(name)
		want := settingsOf(c, name)
		h.setPins(want.dir, c.Nodes[name].PinEpoch)
		h.setAllow(newAllowList(c.Nodes[name].Allow))
		old := m.nodes[name]
		if old != nil && old.settings == want {
			continue
		}
		var after <-chan struct{}
		if old != nil {
			after = old.done
			m.stopLocked(old)
			h.cutAll()
		}
		m.nodes[name] = startNode(want, h, after)
	}
}

func (m *manager) stopLocked(n *node) {
	n.cancel()
	delete(m.nodes, n.settings.name)
	m.stopped = append(slices.DeleteFunc(m.stopped, isClosed), n.done)
}

// waitLocked waits for the nodes that are ending, at most d in all.
func (m *manager) waitLocked(d time.Duration) {
	deadline := time.After(d)
	for _, done := range m.stopped {
		select {
		case <-done:
		case <-deadline:
			logger().Warn("gave up waiting for nodes to stop")
			return
		}
	}
	m.stopped = nil
}

// list returns the nodes, by name.
func (m *manager) list() []*node {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*node
	for _, name := range sortedKeys(m.nodes) {
		all = append(all, m.nodes[name])
	}
	return all
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

package main

import (
	"cmp"
	"context"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const prefix = "tmgen_gateway_"

// Values of the labels "state" and "path". No label but "node" ever holds what
// a peer or a control server says.
var (
	states = []string{stateRunning, stateStarting, stateNeedsKey, stateNeedsLogin, stateStopped, stateError}
	paths  = []string{"direct", "relay", "idle", unknownPath}
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

// What the gateway says of itself and of each node; docs/reference/metrics.md
// is kept equal by a test. Histograms are in tally.go.
var (
	descBuild = prometheus.NewDesc(prefix+"build_info", "Always 1; the versions of what the gateway is made of.",
		nil, buildVersions())
	descReload     = desc("config_last_reload_successful", "1 while the configuration file is the one that runs.")
	descLoaded     = desc("config_last_reload_success_timestamp_seconds", "When a configuration was taken last, Unix time; 0 before the first.")
	descReserve    = desc("state_reserve_bytes", "What is left of the space that is kept for the state on a disk that runs full.")
	descReserved   = desc("state_reserve_wanted_bytes", "What that space is while nothing of it is needed.")
	descState      = desc("node_state", "1 for the state that the node is in, 0 for the others.", "node", "state")
	descKeyNeeded  = desc("node_key_needed", "1 while the node needs a new auth key.", "node")
	descRunning    = desc("connections", "Running connections to the share.", "node")
	descPeers      = desc("peers", "Peers with running connections to the share, by how packets go to them.", "node", "path")
	descAccepted   = desc("connections_accepted_total", "Connections to the share that were let in.", "node")
	descRefused    = desc("connections_refused_total", "Connections refused at any port, by reason.", "node", "reason")
	descEnded      = desc("connections_ended_total", "Connections to the share that were let in and are over, by reason.", "node", "reason")
	descReceived   = desc("received_bytes_total", "Bytes from peers to the share.", "node")
	descSent       = desc("sent_bytes_total", "Bytes to peers from the share.", "node")
	descDialFailed = desc("upstream_dial_failures_total", "Connections given up because Samba could not be reached.", "node")

	descPages       = desc("page_connections", "Running connections to the page.", "node")
	descPageLetIn   = desc("page_connections_accepted_total", "Connections to the page that were let in.", "node")
	descPageNotDial = desc("page_upstream_dial_failures_total", "Connections given up because the monitor could not be reached.", "node")
)

// collector asks the nodes at each scrape; nothing is kept for those that are
// gone.
type collector struct{ watch *watcher }

// metricsHandler answers with everything that is measured.
func metricsHandler(w *watcher) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{w}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// Describe sends nothing: the label "node" is fixed within histograms.
func (collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(descBuild, 1)
	_, hash, rejected := c.watch.state()
	gauge(descReload, truth(hash != "" && rejected == nil))
	gauge(descLoaded, c.watch.loadedTime())
	reserve := reserveOf(c.watch.stateDir())
	gauge(descReserve, float64(reserve.Left))
	gauge(descReserved, float64(reserve.Size))
	for _, n := range nodes.list() {
		n.collect(ch)
	}
}

func (n *node) collect(ch chan<- prometheus.Metric) {
	h, name := n.hub, n.settings.name
	info, _ := n.snapshot()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{name}, labels...)...)
	}
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{name}, labels...)...)
	}
	for _, s := range states {
		gauge(descState, truth(info.state == s), s)
	}
	gauge(descKeyNeeded, truth(info.keyNeeded))
	all := h.running()
	conns := len(only(classShare, all))
	gauge(descRunning, float64(conns))
	gauge(descPages, float64(len(all)-conns))
	byPath := n.peersByPath(conns)
	for _, p := range paths {
		gauge(descPeers, float64(byPath[p]), p)
	}
	count(descAccepted, h.accepted.Load())
	for r := notRefused + 1; r < refusals; r++ {
		count(descRefused, h.refusedBy[r].Load(), r.String())
	}
	for e := notEnded + 1; e < endings; e++ {
		count(descEnded, h.endedBy[e].Load(), e.String())
	}
	in, out := h.bytes()
	count(descReceived, in)
	count(descSent, out)
	count(descDialFailed, h.dialFailures.Load())
	count(descPageLetIn, h.pages.accepted.Load())
	count(descPageNotDial, h.pages.dialFailures.Load())
	h.durations.Collect(ch)
	h.dials.Collect(ch)
}

// peersByPath counts the connected peers. A node without connections is not
// asked: that would cost more than all the rest.
func (n *node) peersByPath(conns int) map[string]int {
	count := map[string]int{}
	if conns == 0 {
		return count
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusTimeout)
	defer cancel()
	known := n.peerPaths(ctx)
	for peer := range n.hub.identities(only(classShare, n.hub.running())) {
		count[cmp.Or(known[peer], unknownPath)]++
	}
	return count
}

// loadedTime is when a configuration was taken last, in Unix seconds.
func (w *watcher) loadedTime() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loadedAt.IsZero() {
		return 0
	}
	return float64(w.loadedAt.UnixNano()) / float64(time.Second)
}

// buildVersions are those of Go and of the modules that decide what the
// gateway can do.
func buildVersions() prometheus.Labels {
	labels := prometheus.Labels{"go": runtime.Version(), "caddy": "unknown", "caddy_l4": "unknown", "tailscale": "unknown"}
	names := map[string]string{
		"github.com/caddyserver/caddy/v2": "caddy", "github.com/mholt/caddy-l4": "caddy_l4", "tailscale.com": "tailscale",
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return labels
	}
	for _, m := range info.Deps {
		if label, ok := names[m.Path]; ok {
			labels[label] = m.Version
		}
	}
	return labels
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
)

var states = []string{stateRunning, stateStarting, stateNeedsKey, stateNeedsLogin, stateStopped, stateError}

// writeMetrics writes st as Prometheus text.
func writeMetrics(w io.Writer, st Status) {
	names := sortedKeys(st.Nodes)
	metric := func(name, kind, help string, value func(NodeStatus) int64) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		for _, n := range names {
			fmt.Fprintf(w, "%s{node=%s} %d\n", name, label(n), value(st.Nodes[n]))
		}
	}
	single := func(name, help string, value int64) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s gauge\n%s %d\n", name, help, name, name, value)
	}
	single("tmgen_config_loaded", "1 once a configuration runs.", truth(st.ConfigSHA256 != ""))
	single("tmgen_config_rejected", "1 while the configuration file is not the one that runs.", truth(st.Rejected != nil))
	single("tmgen_memory_limit_bytes", "Soft memory limit, 0 for none.", st.MemoryLimit)
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	single("tmgen_memory_bytes", "Memory obtained from the system and not given back.", int64(mem.Sys-mem.HeapReleased))
	single("tmgen_goroutines", "Goroutines.", int64(runtime.NumGoroutine()))

	fmt.Fprintf(w, "# HELP tmgen_node_state 1 for the state a node is in.\n# TYPE tmgen_node_state gauge\n")
	for _, n := range names {
		for _, s := range states {
			fmt.Fprintf(w, "tmgen_node_state{node=%s,state=%s} %d\n", label(n), label(s), truth(st.Nodes[n].State == s))
		}
	}
	metric("tmgen_node_key_needed", "gauge", "1 while a node needs a new auth key.", func(n NodeStatus) int64 { return truth(n.KeyNeeded) })
	metric("tmgen_connections", "gauge", "Running connections.", func(n NodeStatus) int64 { return int64(n.Connections) })
	metric("tmgen_connections_accepted_total", "counter", "Connections let in.", func(n NodeStatus) int64 { return n.Accepted })
	metric("tmgen_connections_refused_total", "counter", "Connections refused.", func(n NodeStatus) int64 { return n.Refused })
	metric("tmgen_bytes_in_total", "counter", "Bytes from peers.", func(n NodeStatus) int64 { return n.BytesIn })
	metric("tmgen_bytes_out_total", "counter", "Bytes to peers.", func(n NodeStatus) int64 { return n.BytesOut })
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// label quotes a label value as the text format wants it.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

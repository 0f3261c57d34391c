package main

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Buckets in seconds. A Mac looks in for a moment or copies for hours; an
// upstream on the same machine answers at once or is being recreated (dialFor).
var (
	durationBuckets = []float64{1, 10, 60, 600, 3600, 4 * 3600, 12 * 3600}
	dialBuckets     = []float64{0.001, 0.01, 0.1, 1, 5}
)

// tally is what a node counts for metrics alone, of shares; refusals are those
// of either class. Its series are fixed from the start: a histogram or a fixed
// set of reasons each.
type tally struct {
	refusedBy        [refusals]atomic.Int64
	endedBy          [endings]atomic.Int64
	dialFailures     atomic.Int64
	durations, dials prometheus.Histogram
}

func newTally(node string) tally {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + name, Help: help, Buckets: buckets, ConstLabels: prometheus.Labels{"node": node},
		})
	}
	return tally{
		durations: histogram("connection_duration_seconds", "How long connections lasted that are over.", durationBuckets),
		dials:     histogram("upstream_dial_duration_seconds", "How long it took to reach the upstream, or to give up.", dialBuckets),
	}
}

// pageTally is what a node counts of its page.
type pageTally struct{ accepted, dialFailures atomic.Int64 }

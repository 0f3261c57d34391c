package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, w *watcher) (text []byte, families map[string]*dto.MetricFamily) {
	t.Helper()
	res := httptest.NewRecorder()
	newStatusServer(w).ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if res.Code != http.StatusOK {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	text = res.Body.Bytes()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return text, families
}

// withNode makes the process's one node set hold an idle node for the test.
func withNode(t *testing.T, name string) *hub {
	t.Helper()
	before := nodes
	nodes = newManager()
	t.Cleanup(func() { nodes = before })
	h := newHub(name)
	nodes.hubs[name] = h
	nodes.nodes[name] = &node{settings: settings{name: name}, hub: h, info: nodeInfo{state: stateRunning}}
	return h
}

func series(families map[string]*dto.MetricFamily) (n int) {
	for name, f := range families {
		if strings.HasPrefix(name, prefix) {
			n += len(f.Metric)
		}
	}
	return n
}

func TestMetricsKeepToPrometheusConventions(t *testing.T) {
	withNode(t, "alice")
	text, _ := scrape(t, newWatcher(""))
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestTheNumberOfSeriesOfANodeIsFixed(t *testing.T) {
	h := withNode(t, "alice")
	w := newWatcher("")
	_, families := scrape(t, w)
	before := series(families)
	hostile := identity{login: "mallory\n\"} evil 1", account: 1, node: "mac\x1b[2J"}
	h.setAllow(newAllowList([]string{hostile.login}))
	for i := range 50 {
		c, _ := admitted(t, h, hostile, byte(i))
		if i%2 == 0 {
			c.end(ending(1 + i%int(endings-1)))
			c.Close()
		}
		h.mu.Lock()
		h.refuseLocked(c.src.Addr(), "mallory", refusal(1+i%int(refusals-1)), "detail")
		h.mu.Unlock()
	}
	text, families := scrape(t, w)
	if after := series(families); after != before {
		t.Errorf("%d series became %d", before, after)
	}
	if bytes.Contains(text, []byte("mallory")) || bytes.Contains(text, []byte("100.64")) {
		t.Error("a metric names a peer")
	}
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if l.GetName() == "node" && l.GetValue() != "alice" {
					t.Errorf("%s: node %q", f.GetName(), l.GetValue())
				}
			}
		}
	}
}

func TestMetricsCountWhatConnectionsDid(t *testing.T) {
	h := withNode(t, "alice")
	h.setAllow(newAllowList([]string{"alice"}))
	w := newWatcher("")
	w.accept("abc", &Config{})
	c, far := admitted(t, h, identity{login: "alice", account: 1}, 1)
	go far.Write(make([]byte, 1000))
	if _, err := c.Read(make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}
	value := func(families map[string]*dto.MetricFamily, name, label string) float64 {
		for _, m := range families[prefix+name].GetMetric() {
			if label == "" || slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetValue() == label }) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		t.Fatalf("no %s{%s}", name, label)
		return 0
	}
	want := func(name, label string, v float64) {
		t.Helper()
		_, families := scrape(t, w)
		if got := value(families, name, label); got != v {
			t.Errorf("%s{%s} is %v, want %v", name, label, got, v)
		}
	}
	want("received_bytes_total", "", 1000)
	want("connections", "", 1)
	want("peers", unknownPath, 1)
	want("config_last_reload_successful", "", 1)
	far.Close()
	c.Read(make([]byte, 1))
	c.Close()
	want("received_bytes_total", "", 1000)
	want("connections", "", 0)
	want("connections_accepted_total", "", 1)
	want("connections_ended_total", "peer_closed", 1)
	want("connection_duration_seconds", "", 1)
	want("connections_refused_total", "node_full", 0)
}

// TestTheReferencePageNamesEveryMetric: and nothing that is not there.
func TestTheReferencePageNamesEveryMetric(t *testing.T) {
	withNode(t, "alice")
	_, families := scrape(t, newWatcher(""))
	page, err := os.ReadFile("../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(page)
	for _, name := range sortedKeys(families) {
		row := "| `" + name + "` |"
		if f := families[name]; strings.HasPrefix(name, prefix) {
			row = fmt.Sprintf("| `%s` | %s | %s | %s |", name, strings.ToLower(f.GetType().String()), labelsOf(f), f.GetHelp())
		}
		if !strings.Contains(doc, row) {
			t.Errorf("docs/reference/metrics.md lacks: %s", row)
		}
	}
	for _, found := range regexp.MustCompile("(?m)^\\| `((?:tmgen|go|process)_[a-z0-9_]+)`").FindAllStringSubmatch(doc, -1) {
		if families[found[1]] == nil {
			t.Errorf("docs/reference/metrics.md names %s, which is not there", found[1])
		}
	}
	for _, name := range append(refusalNames[1:], endingNames[1:]...) {
		if name == "" || !strings.Contains(doc, "| `"+name+"` |") {
			t.Errorf("docs/reference/metrics.md lacks the reason %q", name)
		}
	}
}

func labelsOf(f *dto.MetricFamily) string {
	var names []string
	for _, l := range f.Metric[0].Label {
		names = append(names, "`"+l.GetName()+"`")
	}
	return strings.Join(names, ", ")
}

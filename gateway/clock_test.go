package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAClockThatJumpsCutsNobody(t *testing.T) {
	for _, jump := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		h := newHub("alice")
		h.setAllow(newAllowList([]string{"alice"}))
		a, _ := net.Pipe()
		h.admit(newConn(h, a, testSrc, testDst), known("alice", nil))
		v := newVanished(nil)
		v.ping = func(context.Context, netip.Addr) bool { return false }
		v.check(context.Background(), h)
		wallClock = func() time.Time { return time.Now().Round(0).Add(jump) }
		v.looked = -watchPings
		v.check(context.Background(), h)
		wallClock = time.Now
		if len(h.running()) != 1 || len(v.asked) != 0 {
			t.Errorf("a jump of %v: %d connections, %d pings", jump, len(h.running()), len(v.asked))
		}
	}
}

// A time.Time keeps a reading of the clock that nobody sets, which its
// comparisons use, until it is turned into one of these.
func TestNoDecisionIsMadeByTheTimeOfDay(t *testing.T) {
	loses := []string{"Unix", "UnixNano", "UnixMilli", "UnixMicro", "Round", "Truncate", "UTC", "Local", "In", "AddDate"}
	allowed := map[string]bool{
		"timestamp": true, "recoverState": true, "loadedTime": true, "claim": true, "fields": true, // shown to people
		"Truncate in giveUp": true, // of a file
	}
	sources := func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), ".", sources, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range packages {
		for name, file := range p.Files {
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				ast.Inspect(f, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					s, ok := call.Fun.(*ast.SelectorExpr)
					if !ok || !slices.Contains(loses, s.Sel.Name) {
						return true
					}
					seen++
					if !allowed[f.Name.Name] && !allowed[s.Sel.Name+" in "+f.Name.Name] {
						t.Errorf("%s: %s calls %s", name, f.Name.Name, s.Sel.Name)
					}
					return true
				})
			}
		}
	}
	if seen == 0 {
		t.Error("nothing was looked at")
	}
}

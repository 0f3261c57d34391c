package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnEditFitsOneVersionOfItsModule(t *testing.T) {
	for name, c := range map[string]struct{ before, after, fault string }{
		"the passage is there":       {"a old b", "a new b", ""},
		"the passage is gone":        {"a b", "a b", "0 places"},
		"the passage is there twice": {"old old", "old old", "2 places"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "example.com/m/file.go")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.before), 0o444); err != nil {
				t.Fatal(err)
			}
			err := edit{"example.com/m", "file.go", "old", "new"}.apply(dir)
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("error is %v", err)
			}
			if got, _ := os.ReadFile(path); string(got) != c.after {
				t.Errorf("file is %q", got)
			}
		})
	}
}

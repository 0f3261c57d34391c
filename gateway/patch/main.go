// Command patch copies the modules that edits names into a folder, edits the
// copies, and writes a go.mod that uses them:
//
//	go run ./patch DIR FINAL
//
// FINAL is the place that DIR will be moved to: go.mod names it. The script
// `patched` beside it does both and builds. It runs in the gateway's module
// folder. Modules are checked against go.sum
// by the go command as always, before they are copied.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 3 || !filepath.IsAbs(os.Args[2]) {
		fmt.Fprintln(os.Stderr, "usage: go run ./patch DIR FINAL")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "patch:", err)
		os.Exit(1)
	}
}

// run fills dir, which must not hold copies yet: nothing old is built by
// mistake.
func run(dir, final string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	for _, module := range []string{tailscale, wireguard} {
		if err := copyModule(module, filepath.Join(dir, module)); err != nil {
			return err
		}
		replace := "-replace=" + module + "=" + filepath.Join(final, module)
		if _, err := goCommand("mod", "edit", replace, filepath.Join(dir, "go.mod")); err != nil {
			return err
		}
	}
	for _, e := range edits {
		if err := e.apply(dir); err != nil {
			return err
		}
	}
	return nil
}

// copyModule copies a downloaded module to the folder to.
func copyModule(module, to string) error {
	if _, err := goCommand("mod", "download", module); err != nil {
		return err
	}
	from, err := goCommand("list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(strings.TrimSpace(from))); err != nil {
		return fmt.Errorf("%s: %w", module, err)
	}
	return nil
}

// apply edits the copy of a file below dir.
func (e edit) apply(dir string) error {
	path := filepath.Join(dir, e.module, e.file)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(data), e.old); n != 1 {
		return fmt.Errorf("%s/%s: %d places for the edit of %q, want 1", e.module, e.file, n, e.old)
	}
	// The copy is read-only as the module cache is.
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), e.old, e.new, 1)), 0o644)
}

func goCommand(args ...string) (string, error) {
	var stderr strings.Builder
	cmd := exec.Command("go", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}

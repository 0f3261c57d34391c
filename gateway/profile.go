package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// writeProfile fetches a profile from the admin socket and writes it to w; a
// CPU profile takes that many seconds.
func writeProfile(w io.Writer, socket, name string, seconds int) error {
	if profiles[name] == nil {
		return fmt.Errorf("no profile %q: %s", name, strings.Join(sortedKeys(profiles), ", "))
	}
	if isTerminal(w) {
		return errors.New("a profile is binary: send it to a file (> FILE)")
	}
	client := unixClient(socket, clientTimeout+time.Duration(seconds)*time.Second)
	defer client.CloseIdleConnections()
	res, err := client.Get(fmt.Sprintf("http://unix/profile/%s?seconds=%d", name, seconds))
	if err != nil {
		return fmt.Errorf("gateway does not answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		message, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("gateway answered %s: %s", res.Status, strings.TrimSpace(string(message)))
	}
	_, err = io.Copy(w, res.Body)
	return err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

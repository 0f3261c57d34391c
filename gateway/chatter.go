package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"tailscale.com/ipn"
)

// Errors of the control client that mean "not without a valid key", as they
// appear in tailscale.com/control/controlclient/direct.go.
var (
	loginRefused = regexp.MustCompile(`register request: http 4(0[0-9]|1[0-9]|22)`)
	nodeUnknown  = regexp.MustCompile(`initial fetch failed 40[0-4]`)
	// liteUpdate is the other request of the control client: Headscale keeps
	// the long poll of a deleted node open, and only this one is refused.
	liteUpdate = regexp.MustCompile(`lite map update error after \S+: (.+)`)
)

// watchErrors notes messages of the control server that are meant for people.
func (s *session) watchErrors(ctx context.Context) {
	bus, err := s.lc.WatchIPNBus(ctx, ipn.NotifyInitialState)
	if err != nil {
		return
	}
	defer bus.Close()
	for {
		n, err := bus.Next()
		s.pulse.stir()
		if err != nil {
			return
		}
		if n.ErrMessage != nil && !strings.Contains(*n.ErrMessage, "rate limited") {
			s.mu.Lock()
			if !s.running {
				s.refusal = s.redactString(*n.ErrMessage)
			}
			s.mu.Unlock()
		}
	}
}

// logf takes the node's own chatter: DEBUG, but for the control errors in it,
// which are the one place that tells why a node is not up.
func (s *session) logf(format string, a ...any) {
	line := s.redactString(strings.TrimSpace(fmt.Sprintf(format, a...)))
	if _, message, ok := strings.Cut(line, "Received error: "); ok {
		s.note(message)
	} else if found := liteUpdate.FindStringSubmatch(line); found != nil {
		s.note(found[1])
	}
	s.node.log().Debug(line)
}

func (s *session) note(message string) {
	s.pulse.stir()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastError = message
	if loginRefused.MatchString(message) {
		s.refusal = message
	}
	if nodeUnknown.MatchString(message) {
		s.goneAt = time.Now()
	}
}

func (s *session) redact(err error) error { return errors.New(s.redactString(err.Error())) }

func (s *session) redactString(text string) string {
	if s.key.secret != "" {
		text = strings.ReplaceAll(text, s.key.secret, "[auth key]")
	}
	return text
}

//go:build tools

// Package tools pins the tailnet client of the lab.
package tools

import (
	_ "tailscale.com/cmd/tailscale"
	_ "tailscale.com/cmd/tailscaled"
)

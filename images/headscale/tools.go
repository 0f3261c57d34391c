//go:build tools

// Package tools pins the Headscale command that the image builds.
package tools

import _ "github.com/juanfont/headscale/cmd/headscale"

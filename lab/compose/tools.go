//go:build tools

// Package tools pins the compose plugin that the lab builds where Docker has none.
package tools

import _ "github.com/docker/compose/v2/cmd"

package main
import (
 _ "github.com/caddyserver/caddy/v2"
 _ "github.com/mholt/caddy-l4/layer4"
 _ "tailscale.com/tsnet"
)
func main(){}

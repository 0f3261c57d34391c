package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"
)

// unixUpstream begins an upstream that is a unix socket; the absolute path
// follows.
const unixUpstream = "unix/"

// pageDir is where the monitor's sockets are mounted; no upstream is elsewhere.
var pageDir = "/run/tmgen-page"

// openPath is O_PATH of open(2): the file is only pointed at, as a socket
// cannot be opened. It is the same on the architectures we build for.
const openPath = 0x200000

// socketName is a socket in pageDir, at most one folder down. A name has the
// length of a node's, so that no path is longer than an address can be.
var socketName = regexp.MustCompile(`^([a-z0-9][a-z0-9_-]{0,31}/)?[a-z0-9][a-z0-9_-]{0,62}\.sock$`)

// socketOf returns the socket of an upstream, as seen from pageDir.
func socketOf(upstream string) (name string, isUnix bool, err error) {
	path, isUnix := strings.CutPrefix(upstream, unixUpstream)
	if !isUnix {
		return "", false, nil
	}
	name, inside := strings.CutPrefix(path, pageDir+"/")
	if !inside || !socketName.MatchString(name) {
		return "", true, fmt.Errorf("%q is no socket in %s", upstream, pageDir)
	}
	return name, true, nil
}

// checkUpstream accepts ip:port, and unix/ with the path of a page's socket.
func checkUpstream(upstream string) error {
	if _, isUnix, err := socketOf(upstream); isUnix {
		return err
	}
	if a, err := netip.ParseAddrPort(upstream); err != nil || a.Port() == 0 {
		return fmt.Errorf("%q is not ip:port", upstream)
	}
	return nil
}

// dialUpstream connects to an upstream and retries for dialFor.
func dialUpstream(upstream string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialFor)
	defer cancel()
	for {
		c, err := dialOnce(ctx, upstream)
		if err == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(dialPause):
		}
	}
}

func dialOnce(ctx context.Context, upstream string) (net.Conn, error) {
	name, isUnix, err := socketOf(upstream)
	switch {
	case err != nil:
		return nil, err
	case isUnix:
		return dialPage(ctx, name)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", upstream)
}

// dialPage connects to a socket in pageDir. Another container writes there: a
// link that it puts in a socket's place must not lead to a socket of ours, so
// the path is walked inside the folder alone, and what was found is what is
// connected to.
func dialPage(ctx context.Context, name string) (net.Conn, error) {
	root, err := os.OpenRoot(pageDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	found, err := root.OpenFile(name, openPath, 0)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	info, err := found.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is no socket", name)
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", found.Fd()))
}

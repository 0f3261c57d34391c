// Command tmgen-gateway hosts one tailnet node per person and relays its
// connections to that person's server. It is Caddy with a layer-4 app and a
// network of its own; see Config for what it reads.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
)

const usage = `usage: tmgen-gateway COMMAND
  run --config FILE                serve FILE and follow its changes
  status [--json] [--socket PATH]  show what the running gateway does
  health [--socket PATH]           exit 0 when it serves and a config is loaded
  profile [--seconds N] cpu|heap|allocs|goroutine > FILE
                                   write a profile (pprof) of the running gateway
  validate FILE                    check a config without starting anything
`

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// command runs one subcommand and returns the exit code: 0, 1, or 2 for a
// wrong call.
func command(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	config := flags.String("config", "/etc/tmgen/caddy/config.json", "")
	socket := flags.String("socket", defaultSocket, "")
	admin := flags.String("admin-socket", defaultAdmin, "")
	seconds := flags.Int("seconds", 10, "")
	asJSON := flags.Bool("json", false, "")
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	var err error
	switch {
	case args[0] == "run" && flags.NArg() == 0:
		err = run(*config, *admin)
	case args[0] == "status" && flags.NArg() == 0:
		err = showStatus(stdout, *socket, *asJSON)
	case args[0] == "health" && flags.NArg() == 0:
		var st *Status
		if st, err = fetchStatus(*socket, "/health"); err == nil {
			err = healthy(st)
		}
	case args[0] == "profile" && flags.NArg() == 1:
		err = writeProfile(stdout, *admin, flags.Arg(0), *seconds)
	case args[0] == "validate" && flags.NArg() == 1:
		var data []byte
		if data, err = readConfig(flags.Arg(0)); err == nil {
			_, err = validateFile(data)
		}
	default:
		fmt.Fprint(stderr, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintln(stderr, "tmgen-gateway:", err)
		return 1
	}
	return 0
}

// run serves until SIGTERM or SIGINT.
func run(config, admin string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	setKnobs()
	watch := newWatcher(config)
	watch.poll(time.Now()) // first, so that the status socket is where the config wants it
	status := newStatusServer(watch)
	var wg sync.WaitGroup
	wg.Go(func() { watch.run(ctx) })
	wg.Go(func() { status.run(ctx) })
	wg.Go(func() { keepReserve(ctx, watch.stateDir) })
	wg.Go(func() { serveAdmin(ctx, admin) })
	wg.Wait()
	logger().Info("stopping")
	stopping.Store(true)
	return caddy.Stop()
}

func showStatus(w io.Writer, socket string, asJSON bool) error {
	st, err := fetchStatus(socket, "/status")
	if err != nil {
		return err
	}
	if !asJSON {
		printStatus(w, st)
		return nil
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(st)
}

// Command aro is the resource provider for managed OpenShift on Azure. It reads
// flags and environment, wires the packages together and holds no logic of its
// own. Each subcommand has a file.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker; see the Makefile.
var version = "unknown"

type commands struct {
	RP          rpCommand        `cmd:"" name:"rp" help:"Serve the resource provider's API and work on clusters."`
	Versions    versionsCommand  `cmd:"" name:"versions" help:"Say with which OpenShift versions clusters can be created."`
	VersionFlag kong.VersionFlag `name:"version" help:"Print the build's version and exit."`
}

func main() {
	var c commands
	parser := kong.Parse(&c,
		kong.Name("aro"),
		kong.Description("The Azure resource provider for managed OpenShift clusters."),
		kong.Vars{"version": version},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError(),
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	parser.BindTo(ctx, (*context.Context)(nil))
	err := parser.Run()
	stop()
	if err != nil {
		slog.Error("aro stopped", "error", err)
		fmt.Fprintln(os.Stderr, "aro:", err)
		os.Exit(1)
	}
}

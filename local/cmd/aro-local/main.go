// Command aro-local runs the whole product on one machine: an Azure, the
// resource provider, and machines on which clusters run. It
// reads flags and environment and wires the packages of this module together;
// each subcommand has a file.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

// version is set by the linker; see the Makefile.
var version = "unknown"

type commands struct {
	Run          runCommand                `cmd:"" default:"withargs" help:"Start everything and keep it running until Ctrl-C. This is the default."`
	Cluster      clusterCommand            `cmd:"" help:"Create, list, show, watch and delete clusters, and fetch their kubeconfigs."`
	Token        tokenCommand              `cmd:"" help:"Print a token for Azure Resource Manager, as the demo application, for curl."`
	Completion   kongcompletion.Completion `cmd:"" help:"Print the shell code that completes commands and flags of aro-local."`
	Kubectl      kubectlCommand            `cmd:"" passthrough:"" help:"Run kubectl, built from the same Kubernetes as the clusters."`
	ControlPlane controlPlaneCommand       `cmd:"" hidden:"" help:"Run one cluster. Started by run, for each cluster."`
	APIServer    apiServerCommand          `cmd:"" name:"apiserver" hidden:"" help:"Run an API server with the kinds of OpenShift and nothing behind it, for tests."`
	VersionFlag  kong.VersionFlag          `name:"version" help:"Print the build's version and exit."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second Ctrl-C is not caught: it ends a stop that takes too long.
	context.AfterFunc(ctx, stop)
	err := execute(ctx, os.Args[1:])
	if usage, ok := errors.AsType[*kong.ParseError](err); ok {
		usage.Context.Kong.FatalIfErrorf(err) // shows the usage and ends as aro does
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aro-local:", err)
		os.Exit(1)
	}
}

// execute runs the command that the arguments name.
func execute(ctx context.Context, args []string) error {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("aro-local"),
		kong.Description("Managed OpenShift on one machine: an Azure, the resource provider and clusters."),
		kong.Vars{"version": version},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError(),
	)
	if err != nil {
		return err
	}
	kongcompletion.Register(parser)
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	return command.Run()
}

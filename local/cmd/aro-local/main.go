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
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

// version is set by the linker; see the Makefile.
var version = "unknown"

type commands struct {
	Run          runCommand                `cmd:"" default:"withargs" help:"Start everything and keep it running until Ctrl-C. This is the default."`
	Cloud        cloudCommand              `cmd:"" help:"Deploy the service into an empty local Azure by aro deploy, and keep it running until Ctrl-C."`
	Cluster      clusterCommand            `cmd:"" help:"Create, list, show, watch and delete clusters, and fetch their kubeconfigs."`
	Token        tokenCommand              `cmd:"" help:"Print a token for Azure Resource Manager, as the demo application, for curl."`
	Completion   kongcompletion.Completion `cmd:"" help:"Print the shell code that completes commands and flags of aro-local."`
	Kubectl      kubectlCommand            `cmd:"" passthrough:"" help:"Run kubectl, built from the same Kubernetes as the clusters."`
	ControlPlane controlPlaneCommand       `cmd:"" hidden:"" help:"Run one cluster. Started by run, for each cluster."`
	APIServer    apiServerCommand          `cmd:"" name:"apiserver" hidden:"" help:"Run an API server with the kinds of OpenShift and nothing behind it, for tests."`
	Container    containerCommand          `cmd:"" hidden:"" help:"Become the process of a container. Started by run, for each program of a pod."`
	VersionFlag  kong.VersionFlag          `name:"version" help:"Print the build's version and exit."`
}

// The exit codes, those of aro: 1 if the program failed, 2 if it did not begin because
// of how it was called.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	forgetEmpty()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second Ctrl-C is not caught: it ends a stop that takes too long.
	context.AfterFunc(ctx, stop)
	err := execute(ctx, os.Args[1:])
	if isUsage(err) {
		fmt.Fprintf(os.Stderr, "aro-local: %s\nRun aro-local --help for the commands and their flags.\n", err)
		os.Exit(exitUsage)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aro-local:", err)
		os.Exit(exitFailed)
	}
}

// valueError is a flag with a value that the command cannot use.
type valueError struct{ error }

// isUsage reports whether the call is wrong.
func isUsage(err error) bool {
	if _, value := errors.AsType[valueError](err); value {
		return true
	}
	_, parse := errors.AsType[*kong.ParseError](err)
	return parse
}

// forgetEmpty unsets empty variables, which env.example defines as absent. As values
// they would be invalid numbers, or paths of the current directory.
func forgetEmpty() {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); value == "" && strings.HasPrefix(name, "ARO_") {
			_ = os.Unsetenv(name) // fails for invalid names only
		}
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

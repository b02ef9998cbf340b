// Command aro is the resource provider for managed OpenShift on Azure. It reads
// flags and environment, wires the packages together and holds no logic of its
// own. Each subcommand has a file.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/aro-rp/aro/flags"
	"github.com/aro-rp/aro/mirror"
	"github.com/aro-rp/aro/service"
)

// version is set by the linker; see the Makefile.
var version = "unknown"

type commands struct {
	RP       rpCommand       `cmd:"" name:"rp" help:"Serve the resource provider's API and work on clusters."`
	Portal   portalCommand   `cmd:"" name:"portal" help:"Serve the portal for engineers of the service."`
	Versions versionsCommand `cmd:"" name:"versions" help:"Set the OpenShift versions that clusters can be created with."`
	Monitor  monitorCommand  `cmd:"" name:"monitor" help:"Check all clusters, and report problems as metrics."`
	Proxy    proxyCommand    `cmd:"" name:"proxy" help:"Let a developer's machine reach private endpoints of clusters."`
	Mirror   mirrorCommand   `cmd:"" name:"mirror" help:"Copy OpenShift releases into the registry from which clusters pull."`
	Deploy   deployCommand   `cmd:"" name:"deploy" help:"Deploy the service, or another build of it, to a region of Azure."`
}

func cli() flags.Program {
	return flags.Program{Name: "aro", Description: "The Azure resource provider for managed OpenShift clusters.", Version: version, Lookup: os.LookupEnv,
		Vars: helpVars()}
}

// helpVars are the values that help texts and defaults mention.
func helpVars() map[string]string {
	return map[string]string{"graph": mirror.DefaultGraph, "auxiliary": strconv.Itoa(len(mirror.Auxiliary()))}
}

// The exit codes of all programs: 1 if the program failed, 2 if it did not
// begin because of how it was called.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	forgetEmpty()
	os.Exit(run(os.Args[1:]))
}

// run runs the command that the arguments name, and returns the exit code.
func run(args []string) int {
	var c commands
	command, err := cli().Parse(&c, args, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "aro: %s\nRun aro --help for the commands, and aro COMMAND --help for their flags.\n", err)
		return exitUsage
	}
	if command == nil {
		return 0 // the caller requested the help text
	}
	c.RP.TokenFile = os.Getenv("AZURE_FEDERATED_TOKEN_FILE")
	c.Monitor.TokenFile = c.RP.TokenFile
	c.Portal.TokenFile = c.RP.TokenFile
	c.RP.Lookup, c.Versions.Lookup = os.LookupEnv, os.LookupEnv
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = command.Run(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "aro:", err)
	if _, configuration := errors.AsType[*service.ConfigError](err); configuration {
		return exitUsage
	}
	return exitFailed
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

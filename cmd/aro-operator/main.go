// Command aro-operator runs the controllers that maintain one cluster. It runs in the
// cluster, once on the masters and once on the workers; it reads flags and
// environment and wires the packages below operator/ together.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aro-rp/aro/azure/clouds"
	"github.com/aro-rp/aro/flags"
	"github.com/aro-rp/aro/operator"
	"github.com/aro-rp/aro/operator/azureclient"
	"github.com/aro-rp/aro/operator/controller"
)

// version is set by the linker; see the Makefile.
var version = "unknown"

type commands struct {
	Master masterCommand `cmd:"" name:"master" help:"Run all controllers, on a master."`
	Worker workerCommand `cmd:"" name:"worker" help:"Run the checks that need a worker, on a worker."`
}

type masterCommand struct {
	settings `embed:""`
}

// Run runs the controllers of a master until ctx ends.
func (c *masterCommand) Run(ctx context.Context) error { return c.run(ctx, controller.Master) }

type workerCommand struct {
	settings `embed:""`
}

// Run runs the controllers of a worker until ctx ends.
func (c *workerCommand) Run(ctx context.Context) error { return c.run(ctx, controller.Worker) }

// settings are the flags of both roles.
type settings struct {
	Kubeconfig string     `env:"KUBECONFIG" type:"path" help:"Kubeconfig of the cluster. Default: the service account of the pod."`
	Health     string     `env:"ARO_OPERATOR_HEALTH" default:":8080" help:"Address of the health checks /healthz and /readyz."`
	Metrics    string     `env:"ARO_OPERATOR_METRICS" default:":8888" help:"Address of the metrics, at /metrics."`
	Debug      string     `env:"ARO_OPERATOR_DEBUG" help:"Address of Go's profiles, at /debug/pprof, such as localhost:6060. Default: none."`
	Cloud      string     `env:"ARO_CLOUD" help:"Azure cloud, as the https URL at which it describes itself, in place of the one that the Cluster names."`
	LogLevel   slog.Level `env:"ARO_OPERATOR_LOG_LEVEL" default:"INFO" help:"Minimum level of log lines: DEBUG, INFO, WARN or ERROR."`
}

// The exit codes, those of aro: 1 if the program failed, 2 if it did not begin because of
// how it was called.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	debug.SetGCPercent(30) // at rest the operator does nothing: memory counts, not the time of the garbage collector
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends a stop that takes too long
	program := flags.Program{Name: "aro-operator", Description: "Run the controllers that maintain an OpenShift cluster, inside it.", Version: version, Lookup: os.LookupEnv}
	command, err := program.Parse(&commands{}, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "aro-operator: %s\nRun aro-operator --help for the commands, and aro-operator COMMAND --help for their flags.\n", err)
		os.Exit(exitUsage)
	}
	if command == nil {
		return // help or the version was requested
	}
	if err := command.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "aro-operator:", err)
		os.Exit(exitFailed)
	}
}

func (c *settings) run(ctx context.Context, role controller.Role) error {
	handler := slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel})
	log.SetLogger(logr.FromSlogHandler(handler))
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return fmt.Errorf("access to the cluster: %w", err)
	}
	config.UserAgent = "aro-operator/" + version
	config.QPS = -1 // the API server's own priority and fairness limits clients
	specs, err := operator.Controllers(role, version, azureclient.FromEnvironment(c.cloud(), nil))
	if err != nil {
		return err
	}
	logger := slog.New(handler)
	logger.InfoContext(ctx, "operator starts", "role", string(role), "version", version, "controllers", len(specs))
	return operator.Run(ctx, operator.Options{Config: config, Controllers: specs, Health: c.Health, Metrics: c.Metrics, Debug: c.Debug, Log: logger})
}

// cloud finds Azure. The description of a cloud given by its URL is read when it is first
// needed, because most controllers do not use Azure.
func (c *settings) cloud() azureclient.Find {
	if c.Cloud == "" {
		return azureclient.Known
	}
	return func(ctx context.Context, _ string) (clouds.Cloud, error) {
		return clouds.Find(ctx, c.Cloud, http.DefaultClient)
	}
}

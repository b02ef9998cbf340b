package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/aro-rp/aro/azure/login"
	"github.com/aro-rp/aro/local/customer"
	"github.com/aro-rp/aro/local/rp"
)

// clusterTimeout is more than a cluster in real Azure takes.
const clusterTimeout = 3 * time.Hour

type clusterCommand struct {
	Create     clusterCreate     `cmd:"" help:"Create a cluster with the network and identity it needs, and show the steps. May be repeated."`
	List       clusterList       `cmd:"" aliases:"ls" help:"List the clusters of the subscription."`
	Show       clusterShow       `cmd:"" help:"Show a cluster: its state, version and addresses."`
	Watch      clusterWatch      `cmd:"" help:"Show the state of a cluster, and the steps of its operation, until none runs on it."`
	Kubeconfig clusterKubeconfig `cmd:"" help:"Fetch the admin kubeconfig of a cluster."`
	Delete     clusterDelete     `cmd:"" aliases:"rm" help:"Delete a cluster and everything that create made for it."`
}

// clusterFlags select the Azure and the identity that a command uses.
type clusterFlags struct {
	Data         string `env:"ARO_DATA" default:".aro" type:"path" help:"Data directory of the aro-local that runs."`
	Cloud        string `env:"ARO_CLOUD" help:"Azure: public, usgovernment, or the https URL of another. Default: the local Azure."`
	Subscription string `env:"AZURE_SUBSCRIPTION_ID" help:"Subscription. Default: the local Azure's."`
	Tenant       string `env:"AZURE_TENANT_ID" help:"Tenant. Default: the local Azure's."`
}

// customer logs in. The local Azure is described by a file that aro-local writes.
func (f clusterFlags) customer(ctx context.Context) (*customer.Customer, error) {
	var local identity
	flags := login.Flags{Cloud: f.Cloud, Subscription: f.Subscription, Tenant: f.Tenant, Identity: filepath.Join(f.Data, "demo.json")}
	if f.Cloud == "" || f.Cloud[0] == 'h' {
		content, err := os.ReadFile(flags.Identity)
		if errors.Is(err, fs.ErrNotExist) && f.Cloud == "" {
			return nil, notStarted(f.Data)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && json.Unmarshal(content, &local) != nil {
			return nil, fmt.Errorf("%s is not valid JSON", flags.Identity)
		}
		if flags.Cloud == "" {
			flags.Cloud = local.Origin
		}
		flags.CA = local.CAFile
	}
	session, err := flags.Open(ctx)
	if err != nil {
		return nil, err
	}
	c, err := customer.New(session, os.Stdout, f.command("watch")+" %s")
	if err == nil && local.Provider != "" {
		c.Steps = stepsOf(rp.At(local.Provider))
	}
	return c, err
}

// stepsOf queries the admin API of a provider on this machine.
func stepsOf(provider *rp.RP) func(context.Context, string) (customer.Progress, error) {
	return func(ctx context.Context, cluster string) (customer.Progress, error) {
		s, err := provider.Step(ctx, cluster)
		return customer.Progress{Step: s.Name, PercentComplete: float64(s.PercentComplete), WaitingFor: s.WaitingFor, StepError: s.LastError}, err
	}
}

func notStarted(data string) error {
	return fmt.Errorf("no local Azure has run with the data directory %s: start one with `make run` or `aro-local`, or name its directory with --data", data)
}

// command returns the command line of a subcommand with the flags in force.
func (f clusterFlags) command(name string) string {
	line := os.Args[0] + " cluster " + name
	if usual, err := filepath.Abs(".aro"); err != nil || f.Data != usual {
		line += " --data " + quoted(f.Data)
	}
	for _, flag := range [][2]string{{"cloud", f.Cloud}, {"subscription", f.Subscription}, {"tenant", f.Tenant}} {
		if flag[1] != "" {
			line += " --" + flag[0] + " " + quoted(flag[1])
		}
	}
	return line
}

// quoted returns text as a shell reads it back.
func quoted(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// plain is text in which a shell sees nothing special.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// on runs an action on a cluster whose names are valid.
func (f clusterFlags) on(ctx context.Context, check func() error, act func(context.Context, *customer.Customer) error) error {
	if err := check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	c, err := f.customer(ctx)
	if err != nil {
		return err
	}
	return act(ctx, c)
}

type clusterCreate struct {
	clusterFlags
	customer.Create
}

// Run creates the cluster, shows it, and prints the next steps.
func (c clusterCreate) Run(ctx context.Context) error {
	return c.on(ctx, c.Create.Check, func(ctx context.Context, as *customer.Customer) error {
		if err := as.Create(ctx, c.Create); err != nil {
			return err
		}
		if err := as.Show(ctx, c.Target); err != nil {
			return err
		}
		fmt.Printf("\nNext: %s %s --merge\n", c.command("kubeconfig"), c.Arguments())
		return nil
	})
}

type clusterList struct{ clusterFlags }

// Run prints the table.
func (c clusterList) Run(ctx context.Context) error {
	return c.on(ctx, func() error { return nil }, func(ctx context.Context, as *customer.Customer) error { return as.List(ctx) })
}

type clusterShow struct {
	clusterFlags
	customer.Target
}

// Run prints the cluster.
func (c clusterShow) Run(ctx context.Context) error {
	return c.on(ctx, c.Check, func(ctx context.Context, as *customer.Customer) error { return as.Show(ctx, c.Target) })
}

type clusterWatch struct {
	clusterFlags
	customer.Target
}

// Run shows the cluster's state until nothing runs on it.
func (c clusterWatch) Run(ctx context.Context) error {
	return c.on(ctx, c.Check, func(ctx context.Context, as *customer.Customer) error { return as.Watch(ctx, c.Target) })
}

type clusterDelete struct {
	clusterFlags
	customer.Target
}

// Run deletes the cluster and what create made for it.
func (c clusterDelete) Run(ctx context.Context) error {
	return c.on(ctx, c.Check, func(ctx context.Context, as *customer.Customer) error { return as.Delete(ctx, c.Target) })
}

type clusterKubeconfig struct {
	clusterFlags
	customer.Target
	File  string `short:"f" xor:"where" type:"path" help:"File to write with mode 0600; it must not exist. Default: standard output."`
	Merge bool   `xor:"where" help:"Merge it into $KUBECONFIG or ~/.kube/config as the context of the cluster's name, and make that the current context."`
}

// Run fetches the kubeconfig and writes it where the flags select.
func (c clusterKubeconfig) Run(ctx context.Context) error {
	return c.on(ctx, c.Check, func(ctx context.Context, as *customer.Customer) error {
		kubeconfig, err := c.fetch(ctx, as)
		switch {
		case err != nil:
			return err
		case c.Merge:
			return mergeKubeconfig(kubeconfig, c.Name)
		case c.File != "":
			return writeNew(c.File, kubeconfig)
		}
		_, err = os.Stdout.Write(kubeconfig)
		return err
	})
}

// fetch returns the kubeconfig. That of a cluster of the local Azure is usable on this machine.
func (c clusterKubeconfig) fetch(ctx context.Context, as *customer.Customer) ([]byte, error) {
	kubeconfig, err := as.Kubeconfig(ctx, c.Target)
	if err != nil || c.Cloud != "" {
		return kubeconfig, err
	}
	address, err := as.Address(ctx, c.Target)
	if err != nil {
		return nil, err
	}
	authority, err := localAuthority(c.Data)
	if err != nil {
		return nil, err
	}
	return byAddress(kubeconfig, address, authority)
}

// writeNew makes a file: an existing one may be another cluster's.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

// mergeKubeconfig adds the cluster to the user's kubeconfig under its name.
// Everything else in the file stays, and a context of that name is replaced.
func mergeKubeconfig(kubeconfig []byte, name string) error {
	fetched, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return fmt.Errorf("the cluster's kubeconfig: %w", err)
	}
	current, ok := fetched.Contexts[fetched.CurrentContext]
	if !ok {
		return errors.New("the cluster's kubeconfig has no current context")
	}
	paths := clientcmd.NewDefaultPathOptions()
	merged, err := paths.GetStartingConfig()
	if err != nil {
		return fmt.Errorf("your kubeconfig: %w", err)
	}
	merged.Clusters[name] = fetched.Clusters[current.Cluster]
	merged.AuthInfos[name] = fetched.AuthInfos[current.AuthInfo]
	current.Cluster, current.AuthInfo = name, name
	merged.Contexts[name] = current
	merged.CurrentContext = name
	if err := clientcmd.ModifyConfig(paths, *merged, false); err != nil {
		return fmt.Errorf("your kubeconfig: %w", err)
	}
	fmt.Printf("context %q is now the current one of %s\n", name, paths.GetDefaultFilename())
	return nil
}

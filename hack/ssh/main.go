// Command ssh opens a shell on a machine of a cluster, with the key that the
// service stores, through the cluster's load balancer. In the local Azure machines
// have no shell: it then shows the boot log.
//
// It is for operators of the service: it reads the service's database and uses the
// service's identity.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/aro-rp/aro/azure/login"
	"github.com/aro-rp/aro/hack/db/documents"
	"github.com/aro-rp/aro/store"
)

type command struct {
	documents.Flags

	Name    string `arg:"" help:"Name of the cluster, or its resource id."`
	Machine string `arg:"" optional:"" default:"master-0" help:"End of the machine's name: master-0 to master-2; in the local Azure also of a worker, or bootstrap while a cluster is created."`
	Print   bool   `help:"Print the command instead of running it. The key stays in the file that the command names."`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ssh:", err)
		os.Exit(1)
	}
}

func run() error {
	var c command
	kong.Parse(&c, kong.Name("ssh"), kong.UsageOnError(), kong.Vars{"identity": login.Service}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("A shell on a cluster's machine; in the local Azure its boot log."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	local := strings.HasPrefix(c.Azure.Cloud, "https://")
	doc, err := c.find(ctx, !local)
	if err != nil {
		return err
	}
	if local {
		return c.bootLog(ctx, &doc.Cluster)
	}
	return c.shell(ctx, &doc.Cluster)
}

// find reads the cluster's document, with its secrets if a shell needs the key.
func (c *command) find(ctx context.Context, secrets bool) (doc *store.ClusterDocument, err error) {
	s, err := c.Open(ctx, secrets)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	id, err := documents.FindCluster(ctx, s, c.Name)
	if err != nil {
		return nil, err
	}
	return documents.Read(ctx, s.Clusters, id.Partition(), id.Key(), secrets)
}

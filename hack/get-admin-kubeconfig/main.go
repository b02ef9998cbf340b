// Command get-admin-kubeconfig fetches the kubeconfig that a cluster gives its
// customers, through Azure's resource manager, and prints it or writes it to a
// file that only its owner can read.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redhatopenshift/armredhatopenshift"
	"github.com/alecthomas/kong"

	"github.com/aro-rp/aro/hack/cluster/login"
)

const timeLimit = time.Minute

type command struct {
	login.Flags

	Name  string `arg:"" help:"Name of the cluster."`
	Group string `help:"Resource group of the cluster. Default: the cluster's name."`
	File  string `short:"f" help:"File to write, which must not exist. Default: standard output."`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "get-admin-kubeconfig:", err)
		os.Exit(1)
	}
}

func run() error {
	var c command
	kong.Parse(&c, kong.Name("get-admin-kubeconfig"), kong.UsageOnError(), kong.Vars{"identity": login.People}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("Fetch the admin kubeconfig of a cluster."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	kubeconfig, err := c.fetch(ctx)
	if err != nil {
		return err
	}
	if c.File == "" {
		_, err := os.Stdout.Write(kubeconfig)
		return err
	}
	return write(c.File, kubeconfig)
}

func (c *command) fetch(ctx context.Context) ([]byte, error) {
	s, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	clusters, err := armredhatopenshift.NewOpenShiftClustersClient(s.SubscriptionID, s.Credential, s.ARM())
	if err != nil {
		return nil, err
	}
	group := c.Group
	if group == "" {
		group = c.Name
	}
	answer, err := clusters.ListAdminCredentials(ctx, group, c.Name, nil)
	if err != nil {
		return nil, err
	}
	if answer.Kubeconfig == nil {
		return nil, errors.New("the service gave none")
	}
	kubeconfig, err := base64.StdEncoding.DecodeString(*answer.Kubeconfig)
	if err != nil {
		return nil, errors.New("the service gave something that is not base64")
	}
	return kubeconfig, nil
}

// write makes a new file: an old one may be another cluster's.
func write(path string, kubeconfig []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(kubeconfig)
	return errors.Join(err, file.Close())
}

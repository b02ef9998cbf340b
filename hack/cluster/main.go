// Command cluster creates, shows and deletes clusters through Azure's resource
// manager, with everything that they stand on: a resource group, a virtual
// network, identities and their roles. It is for trying things out, and does what
// a customer does with az.
//
// It knows the API of Azure and of the service, and nothing of the service's
// insides. What it makes carries its tag, and what it deletes must carry it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/aro-rp/aro/hack/cluster/login"
)

// timeLimit is more than a cluster in real Azure takes.
const timeLimit = 3 * time.Hour

type commands struct {
	login.Flags

	Create createCommand `cmd:"" help:"Create a cluster and all it needs, and show the steps."`
	Show   showCommand   `cmd:"" help:"Show a cluster: where it is and how it fares."`
	Delete deleteCommand `cmd:"" help:"Delete a cluster and all that create made for it."`
}

// target is one cluster and what belongs to it.
type target struct {
	Name  string `arg:"" help:"Name of the cluster."`
	Group string `help:"Resource group of cluster, network and identities. Default: the cluster's name."`
}

func (t target) group() string {
	if t.Group == "" {
		return t.Name
	}
	return t.Group
}

func (t target) groupID(s *login.Session) string {
	return "/subscriptions/" + s.SubscriptionID + "/resourceGroups/" + t.group()
}

func (t target) id(s *login.Session) string {
	return t.groupID(s) + "/providers/Microsoft.RedHatOpenShift/openShiftClusters/" + t.Name
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run() error {
	var c commands
	parser := kong.Parse(&c, kong.Name("cluster"), kong.UsageOnError(), kong.Vars{"identity": login.People}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("Clusters for trying things out, in the local Azure or a real one."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	session, err := c.Open(ctx)
	if err != nil {
		return err
	}
	parser.BindTo(ctx, (*context.Context)(nil))
	return parser.Run(session)
}

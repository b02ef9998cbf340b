// Command db prints one document of the service's database as JSON. Secrets are
// omitted without --unseal. It changes nothing.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/aro-rp/aro/azure/login"
	"github.com/aro-rp/aro/hack/db/documents"
	"github.com/aro-rp/aro/store"
)

const timeLimit = time.Minute

type command struct {
	documents.Flags

	Kind   string `arg:"" enum:"cluster,operation,subscription,version,roleset,billing" help:"Kind of document: cluster, operation, subscription, version, roleset or billing."`
	ID     string `arg:"" optional:"" help:"Name or resource id of a cluster, also for its billing document; id of an operation or subscription; version. Default: list all ids."`
	Unseal bool   `help:"Print secrets too. With the output one can take over the cluster."`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "db:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	var c command
	kong.Parse(&c, kong.Name("db"), kong.UsageOnError(), kong.Vars{"identity": login.Service}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("Look into the service's database."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	s, err := c.Open(ctx, c.Unseal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	switch c.Kind {
	case "cluster":
		return show(ctx, c, s.Clusters, clusterKey(ctx, s), func(d *store.ClusterDocument) string { return d.Cluster.ID })
	case "operation":
		return show(ctx, c, s.Operations, same, func(d *store.OperationDocument) string { return d.ID + " " + d.Operation.ResourceID })
	case "subscription":
		return show(ctx, c, s.Subscriptions, same, func(d *store.SubscriptionDocument) string { return d.ID })
	case "version":
		return show(ctx, c, s.Versions, in(store.VersionsPartition), func(d *store.VersionDocument) string { return d.ID })
	case "roleset":
		return show(ctx, c, s.RoleSets, in(store.RoleSetsPartition), func(d *store.RoleSetDocument) string { return d.ID })
	}
	return show(ctx, c, s.Billing, billingKey(ctx, s), func(d *store.BillingDocument) string { return d.ID + " " + d.Billing.ResourceID })
}

// key returns the place of a document from the id that a user gives.
type key func(id string) (partition, document string, err error)

func same(id string) (string, string, error) { return id, id, nil }

func in(partition string) key {
	return func(id string) (string, string, error) { return partition, id, nil }
}

func clusterKey(ctx context.Context, s *store.Store) key {
	return func(id string) (string, string, error) {
		cluster, err := documents.FindCluster(ctx, s, id)
		return cluster.Partition(), cluster.Key(), err
	}
}

// billingKey reads the cluster first, whose UID is the key of its billing document.
func billingKey(ctx context.Context, s *store.Store) key {
	return func(id string) (string, string, error) {
		partition, document, err := clusterKey(ctx, s)(id)
		if err != nil {
			return "", "", err
		}
		doc, err := documents.Read(ctx, s.Clusters, partition, document, false)
		if err != nil {
			return "", "", err
		}
		return partition, doc.Cluster.Internal.UID, nil
	}
}

func show[T any](ctx context.Context, c command, in *store.Collection[T], where key, name func(*T) string) error {
	if c.ID == "" {
		return list(ctx, in, name)
	}
	partition, id, err := where(c.ID)
	if err != nil {
		return err
	}
	doc, err := documents.Read(ctx, in, partition, id, c.Unseal)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(documents.Plain(doc))
}

// page is the number of documents per read.
const page = 100

func list[T any](ctx context.Context, in *store.Collection[T], name func(*T) string) error {
	query := store.Query{Limit: page}
	for {
		docs, next, err := in.List(ctx, query)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			fmt.Println(name(doc))
		}
		if next == "" {
			return nil
		}
		query.Continuation = next
	}
}

package customer

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aro-rp/aro/clients/go/aro20250725"
)

// Show prints the main properties of a cluster.
func (c *Customer) Show(ctx context.Context, t Target) error {
	cl, err := c.cluster(ctx, t)
	if err != nil {
		return err
	}
	if cl == nil || cl.Properties == nil {
		return fmt.Errorf("%s: %w", t.Name, ErrNotFound)
	}
	p := cl.Properties
	c.line("cluster", cl.ID)
	c.line("state", p.ProvisioningState)
	if p.ClusterProfile != nil {
		c.line("version", p.ClusterProfile.Version)
		c.line("domain", p.ClusterProfile.Domain)
	}
	if p.ApiserverProfile != nil {
		c.line("API server", p.ApiserverProfile.URL)
		c.line("  address", p.ApiserverProfile.IP)
	}
	if p.ConsoleProfile != nil {
		c.line("console", p.ConsoleProfile.URL)
	}
	for _, ingress := range p.IngressProfiles {
		c.line("ingress", ingress.IP)
	}
	for _, pool := range p.WorkerProfilesStatus {
		if pool.Name != nil && pool.Count != nil {
			c.line("workers", new(fmt.Sprintf("%s: %d", *pool.Name, *pool.Count)))
		}
	}
	return nil
}

func (c *Customer) line(name string, value any) {
	text := ""
	switch v := value.(type) {
	case *string:
		text = deref(v)
	case *aro20250725.ProvisioningState:
		text = string(deref(v))
	}
	if text != "" {
		_, _ = fmt.Fprintf(c.out, "%-12s%s\n", name, text)
	}
}

// List prints a table of the subscription's clusters, sorted by name.
func (c *Customer) List(ctx context.Context) error {
	var clusters []*aro20250725.OpenShiftCluster
	for pager := c.clusters.NewListPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the clusters: %w", err)
		}
		clusters = append(clusters, page.Value...)
	}
	slices.SortFunc(clusters, func(a, b *aro20250725.OpenShiftCluster) int { return cmp.Compare(deref(a.ID), deref(b.ID)) })
	table := tabwriter.NewWriter(c.out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tGROUP\tSTATE\tVERSION\tAPI SERVER")
	for _, cl := range clusters {
		version, url := "", ""
		if p := cl.Properties; p != nil && p.ClusterProfile != nil {
			version = deref(p.ClusterProfile.Version)
		}
		if p := cl.Properties; p != nil && p.ApiserverProfile != nil {
			url = deref(p.ApiserverProfile.URL)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", deref(cl.Name), groupOf(deref(cl.ID)), state(cl), version, url)
	}
	return table.Flush()
}

func groupOf(id string) string {
	if m := clusterID.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}

// Address returns the IP address of the cluster's API server; empty if it has none yet.
func (c *Customer) Address(ctx context.Context, t Target) (string, error) {
	cl, err := c.cluster(ctx, t)
	if err != nil {
		return "", err
	}
	if cl == nil || cl.Properties == nil || cl.Properties.ApiserverProfile == nil {
		return "", nil
	}
	return deref(cl.Properties.ApiserverProfile.IP), nil
}

// Kubeconfig returns the cluster's admin kubeconfig, YAML.
func (c *Customer) Kubeconfig(ctx context.Context, t Target) ([]byte, error) {
	answer, err := c.clusters.ListAdminCredentials(ctx, t.Group, t.Name, nil)
	if missing(err) {
		return nil, fmt.Errorf("%s: %w", t.Name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch the kubeconfig: %w", err)
	}
	text := strings.TrimSpace(deref(answer.Kubeconfig))
	if text == "" {
		return nil, errors.New("the service returned no kubeconfig")
	}
	kubeconfig, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the service returned a kubeconfig that is not base64")
	}
	return kubeconfig, nil
}

func deref[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}

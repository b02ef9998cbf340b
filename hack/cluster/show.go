package main

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redhatopenshift/armredhatopenshift"

	"github.com/aro-rp/aro/hack/cluster/login"
)

type showCommand struct{ target }

// Run prints what people look for first.
func (c showCommand) Run(ctx context.Context, s *login.Session) error {
	clusters, err := armredhatopenshift.NewOpenShiftClustersClient(s.SubscriptionID, s.Credential, s.ARM())
	if err != nil {
		return err
	}
	answer, err := clusters.Get(ctx, c.group(), c.Name, nil)
	if err != nil {
		return fmt.Errorf("read the cluster: %w", err)
	}
	p := answer.Properties
	if p == nil {
		return fmt.Errorf("the cluster %s says nothing", c.Name)
	}
	line("cluster", answer.ID)
	line("state", p.ProvisioningState)
	if p.ClusterProfile != nil {
		line("version", p.ClusterProfile.Version)
		line("domain", p.ClusterProfile.Domain)
	}
	if p.ApiserverProfile != nil {
		line("API server", p.ApiserverProfile.URL)
		line("  address", p.ApiserverProfile.IP)
	}
	if p.ConsoleProfile != nil {
		line("console", p.ConsoleProfile.URL)
	}
	for _, ingress := range p.IngressProfiles {
		line("ingress", ingress.IP)
	}
	for _, pool := range p.WorkerProfilesStatus {
		if pool.Name != nil && pool.Count != nil {
			fmt.Printf("%-12s%s: %d\n", "workers", *pool.Name, *pool.Count)
		}
	}
	return nil
}

func line[T ~string](name string, value *T) {
	if value != nil && *value != "" {
		fmt.Printf("%-12s%s\n", name, *value)
	}
}

package deploy

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
)

// groups makes the resource groups that are missing.
func (r *rollout) groups(ctx context.Context) error {
	for at, location := range map[place]string{r.here(): r.Region.Location, r.shared(): r.Region.GlobalLocation} {
		groups := r.clients.groups[at.subscription]
		_, err := groups.Get(ctx, at.group, nil)
		if err == nil {
			continue
		}
		if !missing(err) {
			return fmt.Errorf("resource group %s: %w", at.group, err)
		}
		r.say("        resource group %s in %s is to be made", at.group, location)
		if r.DryRun {
			continue
		}
		if _, err := groups.CreateOrUpdate(ctx, at.group, armresources.ResourceGroup{Location: to.Ptr(location)}, nil); err != nil {
			return fmt.Errorf("resource group %s: %w", at.group, err)
		}
	}
	return nil
}

// Deployments of what all regions share have the region in their name, so that two
// regions do not wait for each other.
func (r *rollout) forRegion(name string) string { return "aro-" + name + "-" + r.Region.Location }

func (r *rollout) subscription(ctx context.Context) error {
	return r.deploy(ctx, r.here(), "subscription", "aro-subscription", nil)
}

func (r *rollout) identities(ctx context.Context) error {
	return r.deploy(ctx, r.here(), "identities", "aro-identities", object{"location": r.Region.Location})
}

func (r *rollout) global(ctx context.Context) error {
	c := r.Region
	return r.deploy(ctx, r.shared(), "global", r.forRegion("global"), object{
		"location": c.GlobalLocation, "registry": c.Registry, "serviceDomain": c.ServiceDomain, "clusterDomain": c.ClusterDomain, "versionStorage": c.VersionStorage,
		"identityPrincipalId": r.text("identityPrincipalId"), "deployerPrincipalId": c.DeployerPrincipal,
	})
}

func (r *rollout) replication(ctx context.Context) error {
	if r.Region.Location == r.Region.GlobalLocation {
		r.say("        the registry is in this region")
		return nil
	}
	return r.deploy(ctx, r.shared(), "replication", r.forRegion("replication"), object{"location": r.Region.Location, "registry": r.Region.Registry})
}

func (r *rollout) network(ctx context.Context) error {
	c := r.Region
	return r.deploy(ctx, r.here(), "network", "aro-network", object{
		"location": c.Location, "rp-vnetPrefix": c.ServicePrefix, "rp-pe-vnet-001Prefix": c.EndpointPrefix,
		"servicePort": fmt.Sprint(c.ServicePort), "armSource": c.ARMSource, "adminSource": c.AdminSource, "portalSource": c.PortalSource,
	})
}

func (r *rollout) vaults(ctx context.Context) error {
	c := r.Region
	addresses := []object{}
	for _, address := range c.DeployerAddresses {
		addresses = append(addresses, object{"value": address})
	}
	return r.deploy(ctx, r.here(), "vaults", "aro-vaults", object{
		"location": c.Location, "vaultPrefix": c.VaultPrefix, "identityPrincipalId": r.text("identityPrincipalId"),
		"firstPartyPrincipalId": c.FirstPartyPrincipal, "deployerPrincipalId": c.DeployerPrincipal, "deployerAddresses": addresses,
	})
}

func (r *rollout) region(ctx context.Context) error {
	c := r.Region
	return r.deploy(ctx, r.here(), "region", "aro-region", object{
		"location": c.Location, "clusterDomain": c.ClusterDomain, "databaseAccount": c.DatabaseAccount, "databaseThroughput": c.DatabaseThroughput, "issuerStorage": c.IssuerStorage,
		"identityPrincipalId": r.text("identityPrincipalId"), "firstPartyPrincipalId": c.FirstPartyPrincipal, "actionGroupId": r.text("actionGroupId"),
		"frontendPort": c.FrontendPort, "servicePort": c.ServicePort, "portalPort": c.PortalPort, "portalSshPort": c.PortalSSHPort, "zones": r.zones(),
	})
}

func (r *rollout) zones() []string {
	if r.Region.NonZonal {
		return []string{}
	}
	return []string{"1", "2", "3"}
}

func (r *rollout) records(ctx context.Context) error {
	servers := []object{}
	names, _ := r.outputs["nameServers"].([]any)
	for _, name := range names {
		servers = append(servers, object{"nsdname": name})
	}
	return r.deploy(ctx, r.shared(), "records", r.forRegion("records"), object{
		"location": r.Region.Location, "serviceDomain": r.Region.ServiceDomain, "clusterDomain": r.Region.ClusterDomain, "publicAddress": r.text("publicAddress"), "nameServers": servers,
	})
}

// recordVersion records which build the region runs, as versions/LOCATION in the storage of
// versions.
func (r *rollout) recordVersion(ctx context.Context) error {
	if r.DryRun {
		return nil
	}
	blobs, err := r.blobsAt(r.text("versionEndpoint"))
	if err != nil {
		return err
	}
	_, err = blobs.UploadBuffer(ctx, "$web", "rpversion/"+r.Region.Location, []byte(r.Build+"\n"), nil)
	return err
}

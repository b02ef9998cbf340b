package region

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

// Configuration is the configuration file of aro deploy for this region. The settings and
// the environment of the service's processes are added to the region's.
func (r *Region) Configuration(ctx context.Context, settings map[string]any, environment map[string]string) ([]byte, error) {
	firstParty, err := r.Azure.Entra.ServicePrincipal(ctx, r.Azure.FirstParty)
	if err != nil {
		return nil, fmt.Errorf("first-party application: %w", err)
	}
	deployer, err := r.Azure.Entra.ServicePrincipal(ctx, r.Azure.DeployerID)
	if err != nil {
		return nil, fmt.Errorf("application of the deployer: %w", err)
	}
	authorities, err := os.ReadFile(r.Azure.AuthorityFile)
	if err != nil {
		return nil, err
	}
	region := map[string]any{
		"resourceGroup": Group, "vaultPrefix": "aro-" + Location, "databaseAccount": "aro-" + Location, "issuerStorage": "arooidc",
		"serviceAddresses": r.instances().String(), "endpointAddresses": r.Endpoints().String(), "frontendPort": Port, "servicePort": Port, "capacity": 2,
	}
	if r.Azure.Portal != "" {
		region["portalClientId"], region["portalSubject"], region["portalPort"] = r.Azure.Portal, r.Azure.PortalSubject, PortalPort
		region["portalSshPort"] = SSHPort
		region["portalAccessGroups"], region["portalElevatedGroups"] = []string{r.Azure.PortalGroup}, []string{r.Azure.PortalElevated}
	}
	variables := map[string]string{"ARO_MDM_SOCKET": r.metrics()}
	maps.Copy(variables, environment)
	region["environment"] = variables
	maps.Copy(region, settings)
	return yaml.Marshal(map[string]any{
		"defaults": map[string]any{
			"cloud": r.Azure.Origin, "authorities": string(authorities), "tenantId": r.Azure.TenantID, "subscriptionId": r.Azure.SubscriptionID,
			"globalResourceGroup": "global", "globalLocation": Location, "serviceDomain": serviceDomain, "clusterDomain": clusterDomain,
			"registry": "arosvc", "versionStorage": "aroversions",
			"firstPartyClientId": r.Azure.FirstParty, "firstPartyPrincipalId": firstParty.ObjectID, "firstPartySubject": r.Azure.FirstPartySubject,
			"deployerPrincipalId": deployer.ObjectID, "armClients": r.ARM.PEM, "adminClients": r.Engineer.PEM,
		},
		"regions": map[string]any{Location: region},
	})
}

// Deployer is the environment by which aro deploy, and every tool with Azure's SDK, acts as
// the application that deploys.
func (r *Region) Deployer() []string {
	return []string{"AZURE_TENANT_ID=" + r.Azure.TenantID, "AZURE_CLIENT_ID=" + r.Azure.DeployerID, "AZURE_CLIENT_SECRET=" + r.Azure.DeployerSecret}
}

// Frontend is the public address of the service; empty before it is deployed.
func (r *Region) Frontend(ctx context.Context) string {
	id := "/subscriptions/" + r.Azure.SubscriptionID + "/resourceGroups/" + Group + "/providers/Microsoft.Network/publicIPAddresses/rp-pip"
	one, found, err := r.Azure.Engine.Find(ctx, id)
	if err != nil || !found {
		return ""
	}
	return strings.TrimSpace(one.Text("ipAddress"))
}

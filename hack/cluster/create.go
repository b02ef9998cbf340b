package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redhatopenshift/armredhatopenshift"

	"github.com/aro-rp/aro/hack/cluster/login"
)

type createCommand struct {
	target
	Location         string `default:"eastus" help:"Azure region."`
	Domain           string `help:"Domain: a name below the service's, or a customer's own. Default: the cluster's name."`
	Version          string `help:"OpenShift version. Default: the service's, or its newest with --workload-identity."`
	Workers          int32  `default:"3" help:"Number of workers."`
	MasterSize       string `default:"Standard_D8s_v5" help:"VM size of the control plane."`
	WorkerSize       string `default:"Standard_D4s_v5" help:"VM size of the workers."`
	Private          bool   `help:"Give API server and ingress private addresses alone."`
	WorkloadIdentity bool   `help:"Use managed identities in place of a service principal."`
	PullSecret       string `type:"existingfile" help:"File with a Red Hat pull secret."`
}

// Run makes what the cluster stands on, asks for the cluster and watches.
func (c createCommand) Run(ctx context.Context, s *login.Session) error {
	if c.Domain == "" {
		c.Domain = c.Name
	}
	network, err := c.foundation(ctx, s)
	if err != nil {
		return err
	}
	body, err := c.body(s, network)
	if err != nil {
		return err
	}
	var watch string
	if c.WorkloadIdentity {
		watch, err = c.withIdentities(ctx, s, network, body)
	} else {
		watch, err = c.withPrincipal(ctx, s, network, body)
	}
	if err != nil {
		return err
	}
	if err := follow(ctx, s, watch); err != nil {
		return err
	}
	if err := (showCommand{c.target}).Run(ctx, s); err != nil {
		return err
	}
	fmt.Printf("\nNext: go run ./hack/get-admin-kubeconfig %s > %s.kubeconfig\n", c.Name, c.Name)
	return nil
}

// body is the cluster without whom it acts as.
func (c createCommand) body(s *login.Session, network string) (*armredhatopenshift.OpenShiftCluster, error) {
	visibility := armredhatopenshift.VisibilityPublic
	if c.Private {
		visibility = armredhatopenshift.VisibilityPrivate
	}
	profile := &armredhatopenshift.ClusterProfile{Domain: &c.Domain, ResourceGroupID: new("/subscriptions/" + s.SubscriptionID + "/resourceGroups/aro-" + c.Name)}
	if c.Version != "" {
		profile.Version = &c.Version
	}
	if c.PullSecret != "" {
		secret, err := os.ReadFile(c.PullSecret)
		if err != nil {
			return nil, fmt.Errorf("--pull-secret: %w", err)
		}
		profile.PullSecret = new(string(secret))
	}
	return &armredhatopenshift.OpenShiftCluster{Location: &c.Location, Properties: &armredhatopenshift.OpenShiftClusterProperties{
		ClusterProfile:   profile,
		NetworkProfile:   &armredhatopenshift.NetworkProfile{PodCidr: new("10.128.0.0/14"), ServiceCidr: new("172.30.0.0/16")},
		MasterProfile:    &armredhatopenshift.MasterProfile{VMSize: &c.MasterSize, SubnetID: new(network + "/subnets/master")},
		WorkerProfiles:   []*armredhatopenshift.WorkerProfile{{Name: new("worker"), VMSize: &c.WorkerSize, Count: &c.Workers, DiskSizeGB: new(int32(128)), SubnetID: new(network + "/subnets/worker")}},
		ApiserverProfile: &armredhatopenshift.APIServerProfile{Visibility: &visibility},
		IngressProfiles:  []*armredhatopenshift.IngressProfile{{Name: new("default"), Visibility: &visibility}},
	}}, nil
}

// withPrincipal creates the cluster with a service principal, by the official client.
func (c createCommand) withPrincipal(ctx context.Context, s *login.Session, network string, body *armredhatopenshift.OpenShiftCluster) (watch string, err error) {
	principal, err := c.principal(ctx, s)
	if err != nil {
		return "", err
	}
	if err := assign(ctx, s, network, networkContributor, principal.objectID); err != nil {
		return "", err
	}
	body.Properties.ServicePrincipalProfile = &armredhatopenshift.ServicePrincipalProfile{ClientID: &principal.clientID, ClientSecret: &principal.secret}
	clusters, err := armredhatopenshift.NewOpenShiftClustersClient(s.SubscriptionID, s.Credential, s.ARM())
	if err != nil {
		return "", err
	}
	say("asking for the cluster")
	var answer *http.Response
	if _, err := clusters.BeginCreateOrUpdate(policy.WithCaptureResponse(ctx, &answer), c.group(), c.Name, *body, nil); err != nil {
		return "", err
	}
	return answer.Header.Get(asyncOperation), nil
}

// newestAPI is the first stable api-version with workload identities; the
// official Go client does not have it yet.
const newestAPI = "2025-07-25"

// withIdentities creates the cluster with managed identities.
func (c createCommand) withIdentities(ctx context.Context, s *login.Session, network string, body *armredhatopenshift.OpenShiftCluster) (watch string, err error) {
	roles, err := c.roles(ctx, s, body)
	if err != nil {
		return "", err
	}
	cluster, operators, err := c.identities(ctx, s, network, roles)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	var whole map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		return "", err
	}
	identities := map[string]any{}
	for operator, id := range operators {
		identities[operator] = map[string]any{"resourceId": id}
	}
	whole["identity"] = map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{cluster: map[string]any{}}}
	whole["properties"].(map[string]any)["platformWorkloadIdentityProfile"] = map[string]any{"platformWorkloadIdentities": identities}
	say("asking for the cluster")
	header, err := s.Call(ctx, http.MethodPut, c.id(s)+"?api-version="+newestAPI, whole, nil)
	if err != nil {
		return "", err
	}
	return header.Get(asyncOperation), nil
}

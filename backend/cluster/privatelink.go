package cluster

import (
	"context"
	"errors"
	"strings"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
)

// privateLink manages the service's private connection to a cluster's API server.
type privateLink struct {
	azure *azureAccess
	env   *environment.Environment
}

func endpointName(c *model.Cluster) string { return "rp-pe-" + c.Internal.UID }

// linkAPIServer creates a private endpoint for the cluster's API server in the service's own
// network, and records its address.
func (s *privateLink) linkAPIServer(ctx context.Context, w *Work) error {
	c := w.Resource()
	own, err := s.azure.own()
	if err != nil {
		return err
	}
	link := c.Properties.ClusterProfile.ResourceGroupID + "/providers/Microsoft.Network/privateLinkServices/" + c.Internal.InfraID + "-pls"
	ctx, op := own.Operation(ctx, w, "the private endpoint")
	poller, err := own.PrivateEndpoints.BeginCreateOrUpdate(ctx, s.env.ResourceGroup, endpointName(c), armnetwork.PrivateEndpoint{
		Location: &s.env.Location,
		Properties: &armnetwork.PrivateEndpointProperties{
			Subnet: &armnetwork.Subnet{ID: new(s.env.PrivateEndpointSubnetID())},
			ManualPrivateLinkServiceConnections: []*armnetwork.PrivateLinkServiceConnection{{
				Name: new("rp-plsconnection"), Properties: &armnetwork.PrivateLinkServiceConnectionProperties{PrivateLinkServiceID: &link},
			}},
		},
	}, &armnetwork.PrivateEndpointsClientBeginCreateOrUpdateOptions{ResumeToken: op.Token})
	if _, err := azure.Await(ctx, op, poller, err); err != nil {
		return err
	}
	endpoint, err := own.PrivateEndpoints.Get(ctx, s.env.ResourceGroup, endpointName(c), nil)
	if err != nil {
		return err
	}
	if state := connectionState(&endpoint.PrivateEndpoint); state != "Approved" {
		if state == "Rejected" || state == "Disconnected" {
			return arm.ComponentNotReady.Errorf("The private link to the cluster's API server is %s. Repeat the request; if it persists open a support ticket.", strings.ToLower(state))
		}
		return later(w, "the private link to the API server to be approved")
	}
	ip, err := endpointIP(ctx, own, &endpoint.PrivateEndpoint)
	if err != nil {
		return err
	}
	if ip == "" {
		return later(w, "the private endpoint to get an address")
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Internal.PrivateEndpointIP = ip
		return nil
	})
}

func connectionState(e *armnetwork.PrivateEndpoint) string {
	if e.Properties == nil {
		return ""
	}
	for _, c := range append(e.Properties.ManualPrivateLinkServiceConnections, e.Properties.PrivateLinkServiceConnections...) {
		if c.Properties != nil && c.Properties.PrivateLinkServiceConnectionState != nil {
			return deref(c.Properties.PrivateLinkServiceConnectionState.Status)
		}
	}
	return ""
}

func endpointIP(ctx context.Context, own *azure.Clients, e *armnetwork.PrivateEndpoint) (string, error) {
	if e.Properties == nil || len(e.Properties.NetworkInterfaces) == 0 {
		return "", nil
	}
	id, err := azarm.ParseResourceID(deref(e.Properties.NetworkInterfaces[0].ID))
	if err != nil {
		return "", errors.New("the private endpoint's interface has no resource id")
	}
	nic, err := own.Interfaces.Get(ctx, id.ResourceGroupName, id.Name, nil)
	if err != nil || nic.Properties == nil {
		return "", err
	}
	for _, c := range nic.Properties.IPConfigurations {
		if c.Properties != nil && deref(c.Properties.PrivateIPAddress) != "" {
			return *c.Properties.PrivateIPAddress, nil
		}
	}
	return "", nil
}

// unlinkAPIServer removes the private endpoint.
func (s *privateLink) unlinkAPIServer(ctx context.Context, w *Work) error {
	own, err := s.azure.own()
	if err != nil {
		return err
	}
	ctx, op := deletion(ctx, own, w, "the private endpoint")
	poller, err := own.PrivateEndpoints.BeginDelete(ctx, s.env.ResourceGroup, endpointName(w.Resource()), &armnetwork.PrivateEndpointsClientBeginDeleteOptions{ResumeToken: op.Token})
	return deleted(ctx, op, poller, err)
}

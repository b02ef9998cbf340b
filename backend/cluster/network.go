package cluster

import (
	"context"
	"net/http"
	"net/netip"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/wait"
)

// network is the customer's network, and the addresses of a cluster in it.
type network struct {
	azure *azureAccess
	dns   *dns
}

// editSubnet changes a subnet of the customer's, if change reports a difference.
func editSubnet(ctx context.Context, clients *azure.Clients, w *Work, id string, change func(*armnetwork.SubnetPropertiesFormat) (bool, error)) error {
	at, err := parseSubnet(id)
	if err != nil {
		return err
	}
	return edit(ctx, clients, w, editable[armnetwork.Subnet, armnetwork.SubnetsClientCreateOrUpdateResponse]{
		name: "subnet " + at.name,
		read: func(ctx context.Context) (*armnetwork.Subnet, *string, error) {
			got, err := clients.Subnets.Get(ctx, at.group, at.network, at.name, nil)
			if azure.NotFound(err) {
				err = arm.InvalidLinkedVNet.Errorf("The subnet %q does not exist any more. Create it again, then repeat the request.", id).Because(err)
			}
			return &got.Subnet, got.Etag, err
		},
		write: func(ctx context.Context, subnet armnetwork.Subnet, token string) (*runtime.Poller[armnetwork.SubnetsClientCreateOrUpdateResponse], error) {
			return clients.Subnets.BeginCreateOrUpdate(ctx, at.group, at.network, at.name, subnet, &armnetwork.SubnetsClientBeginCreateOrUpdateOptions{ResumeToken: token})
		},
	}, func(subnet *armnetwork.Subnet) (bool, error) {
		if subnet.Properties == nil {
			subnet.Properties = &armnetwork.SubnetPropertiesFormat{}
		}
		return change(subnet.Properties)
	})
}

// prepareSubnets disables network policies of the masters' subnet for the private link, and adds
// service endpoints for storage and registry to all subnets.
func (s *network) prepareSubnets(ctx context.Context, w *Work) error {
	clients, err := s.azure.customer(w.Resource())
	if err != nil {
		return err
	}
	for i, id := range subnets(w.Resource()) {
		err := editSubnet(ctx, clients, w, id, func(p *armnetwork.SubnetPropertiesFormat) (bool, error) {
			endpoints := addServiceEndpoints(p)
			policies := i == 0 && disablePolicies(p)
			return endpoints || policies, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// serviceEndpoints are the services reached directly.
var serviceEndpoints = []string{"Microsoft.ContainerRegistry", "Microsoft.Storage"}

// addServiceEndpoints adds the endpoints that are missing or failed.
func addServiceEndpoints(p *armnetwork.SubnetPropertiesFormat) (changed bool) {
	for _, service := range serviceEndpoints {
		i := slices.IndexFunc(p.ServiceEndpoints, func(e *armnetwork.ServiceEndpointPropertiesFormat) bool {
			return arm.EqualFold(deref(e.Service), service)
		})
		switch {
		case i < 0:
			p.ServiceEndpoints = append(p.ServiceEndpoints, &armnetwork.ServiceEndpointPropertiesFormat{Service: &service, Locations: []*string{new("*")}})
		case deref(p.ServiceEndpoints[i].ProvisioningState) != armnetwork.ProvisioningStateSucceeded:
			p.ServiceEndpoints[i] = &armnetwork.ServiceEndpointPropertiesFormat{Service: &service, Locations: []*string{new("*")}}
		default:
			continue
		}
		changed = true
	}
	return changed
}

func disablePolicies(p *armnetwork.SubnetPropertiesFormat) (changed bool) {
	const endpoint, link = armnetwork.VirtualNetworkPrivateEndpointNetworkPoliciesDisabled, armnetwork.VirtualNetworkPrivateLinkServiceNetworkPoliciesDisabled
	if deref(p.PrivateEndpointNetworkPolicies) == endpoint && deref(p.PrivateLinkServiceNetworkPolicies) == link {
		return false
	}
	p.PrivateEndpointNetworkPolicies, p.PrivateLinkServiceNetworkPolicies = new(endpoint), new(link)
	return true
}

func ownSecurityGroup(c *model.Cluster) bool {
	return c.Properties.NetworkProfile.PreconfiguredNSG != model.Enabled
}

func securityGroupID(c *model.Cluster) string {
	return c.Properties.ClusterProfile.ResourceGroupID + "/providers/Microsoft.Network/networkSecurityGroups/" + c.Internal.InfraID + "-nsg"
}

// attachSecurityGroup attaches the security group to the subnets. A group that Azure has not
// replicated yet is tried again, until the step's timeout.
func (s *network) attachSecurityGroup(ctx context.Context, w *Work) error {
	clients, err := s.azure.customer(w.Resource())
	if err != nil {
		return err
	}
	group := securityGroupID(w.Resource())
	for _, id := range subnets(w.Resource()) {
		err := editSubnet(ctx, clients, w, id, func(p *armnetwork.SubnetPropertiesFormat) (bool, error) {
			if p.NetworkSecurityGroup != nil && deref(p.NetworkSecurityGroup.ID) != "" {
				if !arm.EqualFold(*p.NetworkSecurityGroup.ID, group) {
					return false, arm.InvalidLinkedVNet.Errorf("The subnet %q has a network security group already. Detach %q, or create the cluster with preconfiguredNSG.", id, *p.NetworkSecurityGroup.ID)
				}
				return false, nil
			}
			p.NetworkSecurityGroup = &armnetwork.SecurityGroup{ID: &group}
			return true, nil
		})
		if notThereYet(err) {
			return wait.Again(arm.ComponentNotReady.Errorf("The cluster's network security group could not be attached to the subnet %q. Repeat the request; if it persists open a support ticket.", id).Because(err))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// notThereYet reports whether Azure does not know a referenced resource that was created just now.
func notThereYet(err error) bool {
	code := azure.Code(err)
	return code == "InvalidResourceReference" || code == "ReferencedResourceNotProvisioned" || code == "NetworkSecurityGroupNotFound"
}

// recordAPIAddress stores the API server's addresses at the load balancers, and updates its DNS
// record.
func (s *network) recordAPIAddress(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	balancer, err := clients.LoadBalancers.Get(ctx, managedGroup(c), c.Internal.InfraID+"-internal", nil)
	if err != nil {
		return err
	}
	internal := frontendIP(&balancer.LoadBalancer)
	if internal == "" {
		return later(w, "the internal load balancer to get an address")
	}
	ip := internal
	if publicAPI(c) {
		if ip, err = s.publicIP(ctx, clients, c, "-pip-v4"); err != nil {
			return err
		}
		if ip == "" {
			return later(w, "the API server's public IP to get an address")
		}
	}
	if err := w.Save(ctx, func(c *model.Cluster) error {
		c.Properties.APIServerProfile.IP, c.Properties.APIServerProfile.InternalIP = ip, internal
		return nil
	}); err != nil {
		return err
	}
	return s.dns.point(c, func(z *zone) error { return z.pointAPI(ctx, ip) })
}

// frontendIP is the API server's address at the internal balancer, which may have other frontends
// too.
func frontendIP(lb *armnetwork.LoadBalancer) string {
	if lb.Properties == nil {
		return ""
	}
	for _, f := range lb.Properties.FrontendIPConfigurations {
		if deref(f.Name) == template.InternalFrontend && f.Properties != nil {
			return deref(f.Properties.PrivateIPAddress)
		}
	}
	return ""
}

func (s *network) publicIP(ctx context.Context, clients *azure.Clients, c *model.Cluster, suffix string) (string, error) {
	ip, err := clients.PublicIPs.Get(ctx, managedGroup(c), c.Internal.InfraID+suffix, nil)
	if err != nil || ip.Properties == nil {
		return "", err
	}
	return deref(ip.Properties.IPAddress), nil
}

// recordIngressAddress chooses the routes' address before anything serves them: the cluster is
// configured with that address.
func (s *network) recordIngressAddress(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	ip := ""
	switch {
	case publicIngress(c):
		ip, err = s.publicIP(ctx, clients, c, "-default-v4")
	case len(c.Properties.IngressProfiles) > 0 && c.Properties.IngressProfiles[0].IP != "":
		ip = c.Properties.IngressProfiles[0].IP // it was free when it was chosen
	default:
		ip, err = s.freeWorkerIP(ctx, clients, c)
	}
	if err != nil {
		return err
	}
	if ip == "" {
		return later(w, "the routes' public IP to get an address")
	}
	if err := w.Save(ctx, func(c *model.Cluster) error {
		if len(c.Properties.IngressProfiles) > 0 {
			c.Properties.IngressProfiles[0].IP = ip
		}
		return nil
	}); err != nil {
		return err
	}
	return s.dns.point(c, func(z *zone) error { return z.pointApps(ctx, ip) })
}

func (s *network) freeWorkerIP(ctx context.Context, clients *azure.Clients, c *model.Cluster) (string, error) {
	ids := workerSubnets(c)
	if len(ids) == 0 {
		return "", arm.InvalidLinkedVNet.At("properties.workerProfiles", "The cluster has no worker subnet. Delete it and create it with one.")
	}
	at, err := parseSubnet(ids[0])
	if err != nil {
		return "", err
	}
	subnet, err := clients.Subnets.Get(ctx, at.group, at.network, at.name, &armnetwork.SubnetsClientGetOptions{Expand: new("ipConfigurations")})
	if err != nil {
		return "", err
	}
	ip, ok := highestFree(subnet.Properties)
	if !ok {
		return "", arm.InvalidLinkedVNet.At("properties.workerProfiles[0].subnetId", "The worker subnet %q has no free address. Use a larger one.", ids[0])
	}
	return ip.String(), nil
}

// highestFree is the last unused address of a subnet's first prefix. Azure reserves the first four
// and the last.
func highestFree(p *armnetwork.SubnetPropertiesFormat) (netip.Addr, bool) {
	if p == nil {
		return netip.Addr{}, false
	}
	text := deref(p.AddressPrefix)
	if text == "" && len(p.AddressPrefixes) > 0 {
		text = deref(p.AddressPrefixes[0])
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() {
		return netip.Addr{}, false
	}
	taken := map[string]bool{}
	for _, c := range p.IPConfigurations {
		if c != nil && c.Properties != nil {
			taken[deref(c.Properties.PrivateIPAddress)] = true
		}
	}
	first := prefix.Masked().Addr()
	for range 4 {
		taken[first.String()] = true
		first = first.Next()
	}
	for ip := lastOf(prefix).Prev(); prefix.Contains(ip); ip = ip.Prev() {
		if !taken[ip.String()] {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// maxEdits bounds how often a change is repeated because another client wrote the resource.
const maxEdits = 5

// editable reads a resource with its ETag, writes it, and resumes a write by its token.
type editable[T, R any] struct {
	name  string
	read  func(context.Context) (*T, *string, error)
	write func(ctx context.Context, resource T, token string) (*runtime.Poller[R], error)
}

// edit changes a resource that other clients write too, if change reports a difference. Azure
// refuses a write that is based on an older state; the change is then repeated on the newer one.
func edit[T, R any](ctx context.Context, clients *azure.Clients, w *Work, e editable[T, R], change func(*T) (bool, error)) (err error) {
	for range maxEdits {
		ctx, op := clients.Operation(ctx, w, "the change of "+e.name)
		var poller *runtime.Poller[R]
		poller, err = e.begin(ctx, op.Token, change)
		_, err = azure.Await(ctx, op, poller, err)
		if !azure.Changed(err) {
			return err
		}
	}
	return err
}

// begin is one attempt of an edit.
func (e editable[T, R]) begin(ctx context.Context, token string, change func(*T) (bool, error)) (*runtime.Poller[R], error) {
	if token != "" {
		return e.write(ctx, *new(T), token)
	}
	resource, etag, err := e.read(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := change(resource)
	if err != nil || !changed {
		return nil, err
	}
	return e.write(policy.WithHTTPHeader(ctx, http.Header{"If-Match": {deref(etag)}}), *resource, "")
}

// editBalancer changes a load balancer of the managed group. The cluster's own
// controllers write it too.
func editBalancer(ctx context.Context, clients *azure.Clients, w *Work, name string, change func(*armnetwork.LoadBalancer) (bool, error)) error {
	group := managedGroup(w.Resource())
	return edit(ctx, clients, w, editable[armnetwork.LoadBalancer, armnetwork.LoadBalancersClientCreateOrUpdateResponse]{
		name: "load balancer " + name,
		read: func(ctx context.Context) (*armnetwork.LoadBalancer, *string, error) {
			got, err := clients.LoadBalancers.Get(ctx, group, name, nil)
			if got.Properties == nil {
				got.Properties = &armnetwork.LoadBalancerPropertiesFormat{}
			}
			return &got.LoadBalancer, got.Etag, err
		},
		write: func(ctx context.Context, lb armnetwork.LoadBalancer, token string) (*runtime.Poller[armnetwork.LoadBalancersClientCreateOrUpdateResponse], error) {
			return clients.LoadBalancers.BeginCreateOrUpdate(ctx, group, name, lb, &armnetwork.LoadBalancersClientBeginCreateOrUpdateOptions{ResumeToken: token})
		},
	}, change)
}

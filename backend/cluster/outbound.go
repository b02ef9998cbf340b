package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// outbound manages the addresses of a cluster's outbound traffic.
type outbound struct{ azure *azureAccess }

// chooseOutboundIPs chooses the names of the public IPs for outbound traffic before they are
// created, so that none is ever lost. The API server's IP is the first.
func (s *outbound) chooseOutboundIPs(ctx context.Context, w *Work) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		lb := c.Properties.NetworkProfile.LoadBalancerProfile
		if lb == nil {
			lb = &model.LoadBalancerProfile{}
			c.Properties.NetworkProfile.LoadBalancerProfile = lb
		}
		c.Internal.OutboundIPs = resized(c.Internal.OutboundIPs, ownOutboundIPs(c))
		lb.EffectiveOutboundIPs = outboundIPs(c)
		return nil
	})
}

// ownOutboundIPs is the number of public IPs for outbound traffic alone.
func ownOutboundIPs(c *model.Cluster) int {
	n := 1
	if lb := c.Properties.NetworkProfile.LoadBalancerProfile; lb != nil && lb.ManagedOutboundIPs != nil {
		n = max(lb.ManagedOutboundIPs.Count, 1)
	}
	if publicAPI(c) {
		n--
	}
	return n
}

const outboundIPSuffix = "-outbound-pip-v4"

// resized keeps at most n names, and adds new ones up to n.
func resized(names []string, n int) []string {
	names = names[:min(len(names), n):min(len(names), n)]
	for len(names) < n {
		names = append(names, uuid.NewString()+outboundIPSuffix)
	}
	return names
}

// outboundIPs are the ids of the addresses that outbound traffic comes from.
func outboundIPs(c *model.Cluster) []model.ResourceReference {
	var names []string
	if publicAPI(c) {
		names = append(names, c.Internal.InfraID+"-pip-v4")
	}
	var ips []model.ResourceReference
	for _, name := range append(names, c.Internal.OutboundIPs...) {
		ips = append(ips, model.ResourceReference{ID: c.Properties.ClusterProfile.ResourceGroupID + "/providers/Microsoft.Network/publicIPAddresses/" + name})
	}
	return ips
}

// renameOutboundIPs chooses names for as many addresses as the customer wants now. It adopts
// addresses of clusters that were created before names were stored.
func (s *outbound) renameOutboundIPs(ctx context.Context, w *Work) error {
	lb, err := s.publicBalancer(ctx, w.Resource())
	if err != nil {
		return err
	}
	var inUse []string
	for _, id := range outboundOf(lb) {
		if strings.HasSuffix(id, outboundIPSuffix) {
			inUse = append(inUse, lastSegment(id))
		}
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		names := slices.Clone(c.Internal.OutboundIPs)
		for _, name := range inUse {
			if !holds(names, name) {
				names = append(names, name)
			}
		}
		names = resized(names, ownOutboundIPs(c))
		if slices.Equal(names, c.Internal.OutboundIPs) {
			return store.ErrUnchanged
		}
		c.Internal.OutboundIPs = names
		return nil
	})
}

func (s *outbound) publicBalancer(ctx context.Context, c *model.Cluster) (*armnetwork.LoadBalancer, error) {
	clients, err := s.azure.customer(c)
	if err != nil {
		return nil, err
	}
	lb, err := clients.LoadBalancers.Get(ctx, managedGroup(c), c.Internal.InfraID, nil)
	if err == nil && lb.Properties == nil {
		err = errors.New("the public load balancer has no properties")
	}
	return &lb.LoadBalancer, err
}

// reconcileOutbound makes exactly the named addresses serve outbound traffic, and removes addresses
// of the service that are no longer used.
func (s *outbound) reconcileOutbound(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	var wanted []string
	for _, ip := range outboundIPs(c) {
		wanted = append(wanted, ip.ID)
	}
	err = s.balanceOutbound(ctx, w, clients, wanted)
	if errors.As(err, new(*wait.Pending)) {
		return err
	}
	return errors.Join(err, s.removeUnused(ctx, clients, w, wanted))
}

func (s *outbound) balanceOutbound(ctx context.Context, w *Work, clients *azure.Clients, wanted []string) error {
	c := w.Resource()
	err := editBalancer(ctx, clients, w, c.Internal.InfraID, func(lb *armnetwork.LoadBalancer) (bool, error) {
		if sameIDs(outboundOf(lb), wanted) {
			return false, nil
		}
		if err := inParallel(wanted, func(id string) error { return s.makePublicIP(ctx, clients, w, lastSegment(id)) }); err != nil {
			return false, err
		}
		return true, setOutbound(lb, wanted)
	})
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		p := &c.Properties.NetworkProfile
		if p.LoadBalancerProfile == nil {
			p.LoadBalancerProfile = &model.LoadBalancerProfile{}
		}
		p.LoadBalancerProfile.EffectiveOutboundIPs = outboundIPs(c)
		return nil
	})
}

func (s *outbound) makePublicIP(ctx context.Context, clients *azure.Clients, w *Work, name string) error {
	c := w.Resource()
	ctx, op := clients.Operation(ctx, w, "the public IP address "+name)
	if op.Token == "" {
		if _, err := clients.PublicIPs.Get(ctx, managedGroup(c), name, nil); !azure.NotFound(err) {
			return err
		}
	}
	poller, err := clients.PublicIPs.BeginCreateOrUpdate(ctx, managedGroup(c), name, armnetwork.PublicIPAddress{
		Location: new(strings.ToLower(c.Location)), SKU: &armnetwork.PublicIPAddressSKU{Name: new(armnetwork.PublicIPAddressSKUNameStandard)},
		Properties: &armnetwork.PublicIPAddressPropertiesFormat{
			PublicIPAllocationMethod: new(armnetwork.IPAllocationMethodStatic), PublicIPAddressVersion: new(armnetwork.IPVersionIPv4),
		},
	}, &armnetwork.PublicIPAddressesClientBeginCreateOrUpdateOptions{ResumeToken: op.Token})
	_, err = azure.Await(ctx, op, poller, err)
	return err
}

// removeUnused removes addresses that were created for outbound traffic and serve none. It keeps
// the API server's address.
func (s *outbound) removeUnused(ctx context.Context, clients *azure.Clients, w *Work, wanted []string) error {
	c := w.Resource()
	lb, err := s.publicBalancer(ctx, c) // as it is now: what it holds cannot go
	if err != nil {
		return err
	}
	held := slices.Clone(wanted)
	for _, f := range lb.Properties.FrontendIPConfigurations {
		held = append(held, addressOf(f))
	}
	var unused []string
	for pages := clients.PublicIPs.NewListPager(managedGroup(c), nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, ip := range page.Value {
			if name := deref(ip.Name); strings.HasSuffix(name, outboundIPSuffix) && !holds(held, deref(ip.ID)) {
				unused = append(unused, name)
			}
		}
	}
	return inParallel(unused, func(name string) error {
		ctx, op := deletion(ctx, clients, w, "public IP address "+name)
		poller, err := clients.PublicIPs.BeginDelete(ctx, managedGroup(c), name, &armnetwork.PublicIPAddressesClientBeginDeleteOptions{ResumeToken: op.Token})
		return deleted(ctx, op, poller, err)
	})
}

// outboundRule is the outbound rule; nil if there is none.
func outboundRule(lb *armnetwork.LoadBalancer) *armnetwork.OutboundRule {
	for _, r := range lb.Properties.OutboundRules {
		if deref(r.Name) == template.OutboundRule && r.Properties != nil {
			return r
		}
	}
	return nil
}

// outboundOf are the ids of the addresses that outbound traffic comes from.
func outboundOf(lb *armnetwork.LoadBalancer) []string {
	rule := outboundRule(lb)
	if rule == nil {
		return nil
	}
	var ids []string
	for _, used := range rule.Properties.FrontendIPConfigurations {
		for _, f := range lb.Properties.FrontendIPConfigurations {
			if arm.EqualFold(deref(f.ID), deref(used.ID)) && addressOf(f) != "" {
				ids = append(ids, addressOf(f))
			}
		}
	}
	return ids
}

func addressOf(f *armnetwork.FrontendIPConfiguration) string {
	if f.Properties == nil || f.Properties.PublicIPAddress == nil {
		return ""
	}
	return deref(f.Properties.PublicIPAddress.ID)
}

func sameIDs(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(id string) bool { return !holds(b, id) })
}

// setOutbound rebuilds the frontends for outbound traffic. Frontends that other rules use stay as
// they are (the API server's, the routes' and those of the customer's rules), and so do those that
// the service did not create.
func setOutbound(lb *armnetwork.LoadBalancer, wanted []string) error {
	rule := outboundRule(lb)
	if rule == nil {
		return errors.New("the public load balancer has no outbound rule")
	}
	ours, others := idsOf(rule.Properties.FrontendIPConfigurations), usedByOthers(lb, rule)
	frontends := slices.DeleteFunc(slices.Clone(lb.Properties.FrontendIPConfigurations), func(f *armnetwork.FrontendIPConfiguration) bool {
		made := holds(ours, deref(f.ID)) || strings.HasSuffix(lastSegment(addressOf(f)), outboundIPSuffix)
		return made && !holds(others, deref(f.ID))
	})
	var used []*armnetwork.SubResource
	for _, ip := range wanted {
		i := slices.IndexFunc(frontends, func(f *armnetwork.FrontendIPConfiguration) bool { return arm.EqualFold(addressOf(f), ip) })
		if i < 0 {
			name := lastSegment(ip)
			if !strings.HasSuffix(name, outboundIPSuffix) {
				name = template.PublicFrontend
			}
			frontends = append(frontends, &armnetwork.FrontendIPConfiguration{
				ID: new(deref(lb.ID) + "/frontendIPConfigurations/" + name), Name: &name,
				Properties: &armnetwork.FrontendIPConfigurationPropertiesFormat{PublicIPAddress: &armnetwork.PublicIPAddress{ID: &ip}},
			})
			i = len(frontends) - 1
		}
		used = append(used, &armnetwork.SubResource{ID: frontends[i].ID})
	}
	lb.Properties.FrontendIPConfigurations, rule.Properties.FrontendIPConfigurations = frontends, used
	return nil
}

// usedByOthers returns the ids of the frontends of all rules except rule.
func usedByOthers(lb *armnetwork.LoadBalancer, rule *armnetwork.OutboundRule) []string {
	var used []*armnetwork.SubResource
	for _, r := range lb.Properties.LoadBalancingRules {
		if r.Properties != nil {
			used = append(used, r.Properties.FrontendIPConfiguration)
		}
	}
	for _, r := range lb.Properties.InboundNatRules {
		if r.Properties != nil {
			used = append(used, r.Properties.FrontendIPConfiguration)
		}
	}
	for _, p := range lb.Properties.InboundNatPools {
		if p.Properties != nil {
			used = append(used, p.Properties.FrontendIPConfiguration)
		}
	}
	for _, r := range lb.Properties.OutboundRules {
		if r != rule && r.Properties != nil {
			used = append(used, r.Properties.FrontendIPConfigurations...)
		}
	}
	return idsOf(used)
}

func idsOf(resources []*armnetwork.SubResource) (ids []string) {
	for _, r := range resources {
		if r != nil {
			ids = append(ids, deref(r.ID))
		}
	}
	return ids
}

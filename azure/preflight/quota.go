package preflight

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/model"
)

const (
	balancerTarget = "properties.networkProfile.loadBalancerProfile"
	managedTarget  = balancerTarget + ".managedOutboundIps.count"
	// leastIPs is the maximum number of public IPs of a create without additional
	// outbound ones.
	leastIPs = 3
	// portsPerIP are an address's ports for outbound connections; portsPerMachine
	// those allocated to each machine.
	portsPerIP      = 63992
	portsPerMachine = 1024
)

// quotas finds quotas of the subscription that are too small for a create. Quotas
// that the subscription does not list are not limited.
func (r *run) quotas(ctx context.Context, found *report) {
	needs := map[string]int64{}
	var order []string
	need := func(counter string, n int) {
		if _, known := needs[counter]; !known {
			order = append(order, counter)
		}
		needs[counter] += int64(n)
	}
	for _, p := range r.pools() {
		size, known := sizeOf(p)
		if !known {
			continue // the model's rules reject it
		}
		need("virtualMachines", p.count)
		need("PremiumDiskCount", p.count)
		need("cores", p.count*size.CoreCount)
		need(size.Family, p.count*size.CoreCount)
	}
	free, err := r.freeOfMachines(ctx)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	for _, counter := range order {
		if left, limited := free[arm.ToLower(counter)]; limited && left < needs[counter] {
			found.add(arm.ResourceQuotaExceeded, "", "The cluster needs %d of the quota %s in %s, and %d are left. Raise it, or ask for fewer or smaller machines.", needs[counter], counter, r.c.Location, max(left, 0))
		}
	}
}

// freeOfMachines returns what is left of each quota of machines, by its name in lower case.
func (r *run) freeOfMachines(ctx context.Context) (map[string]int64, error) {
	pager := r.customer.ComputeUsages.NewListPager(r.c.Location, nil)
	free := map[string]int64{}
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("quotas of machines: %w", err)
		}
		for _, u := range page.Value {
			if u.Name != nil && u.Limit != nil && u.CurrentValue != nil {
				free[arm.ToLower(value(u.Name.Value))] = *u.Limit - int64(*u.CurrentValue)
			}
		}
	}
	return free, nil
}

// sizeOf returns the quota data of a pool's size.
func sizeOf(p pool) (model.VMSize, bool) {
	role := model.Worker
	if p.target == masterTarget {
		role = model.Master
	}
	for name, size := range model.SupportedVMSizes(role) {
		if arm.EqualFold(name, p.size) {
			return size, true
		}
	}
	return model.VMSize{}, false
}

// managedIPs returns the number of outbound addresses that the service creates.
func (r *run) managedIPs() int {
	n := r.c.Properties.NetworkProfile
	if n.OutboundType == model.UserDefinedRouting || n.LoadBalancerProfile == nil || n.LoadBalancerProfile.ManagedOutboundIPs == nil {
		return 0
	}
	return n.LoadBalancerProfile.ManagedOutboundIPs.Count
}

// outboundIPs finds a quota of public IPs that is too small.
func (r *run) outboundIPs(ctx context.Context, found *report) {
	needed, target, err := r.publicIPs(ctx)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	if needed <= 0 {
		return
	}
	free, limited, err := freePublicIPs(ctx, r.customer, r.c.Location)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	if limited && free < int64(needed) {
		found.add(arm.ResourceQuotaExceeded, target, "The cluster needs %d more public IP addresses in %s, and the quota leaves %d. Raise the quota PublicIPAddresses, or ask for fewer.", needed, r.c.Location, max(free, 0))
	}
}

// publicIPs returns how many additional public IPs the cluster needs, and the path
// that requires them.
func (r *run) publicIPs(ctx context.Context) (needed int, target string, err error) {
	managed := r.managedIPs()
	if !r.create {
		if managed == 0 {
			return 0, "", nil
		}
		current, err := r.currentIPs(ctx)
		return managed - current, managedTarget, err
	}
	if r.c.Properties.NetworkProfile.OutboundType == model.UserDefinedRouting {
		return 0, "", nil
	}
	if len(r.c.Properties.IngressProfiles) > 0 && r.c.Properties.IngressProfiles[0].Visibility == model.Public {
		managed++
	}
	if managed > leastIPs {
		return managed, managedTarget, nil
	}
	return leastIPs, "", nil
}

// currentIPs returns the current number of outbound addresses. The cluster's
// document has their number after its last operation.
func (r *run) currentIPs(ctx context.Context) (int, error) {
	lb, err := r.balancer(ctx)
	if err != nil {
		return 0, err
	}
	if lb == nil { // an update creates it again, with the recorded addresses
		return len(r.c.Properties.NetworkProfile.LoadBalancerProfile.EffectiveOutboundIPs), nil
	}
	for _, rule := range lb.Properties.OutboundRules {
		if value(rule.Name) == template.OutboundRule && rule.Properties != nil {
			return len(rule.Properties.FrontendIPConfigurations), nil
		}
	}
	return 0, nil
}

// readBalancer reads the cluster's public load balancer; nil if it does not exist.
func (r *run) readBalancer(ctx context.Context) (*armnetwork.LoadBalancer, error) {
	group, _, ok := named(r.c.Properties.ClusterProfile.ResourceGroupID)
	if !ok || r.c.Internal.InfraID == "" {
		return nil, nil
	}
	got, err := r.customer.LoadBalancers.Get(ctx, group, r.c.Internal.InfraID, nil)
	switch {
	case azure.NotFound(err), err == nil && got.Properties == nil:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("public load balancer: %w", err)
	}
	return &got.LoadBalancer, nil
}

func freePublicIPs(ctx context.Context, clients *azure.Clients, location string) (free int64, limited bool, err error) {
	pager := clients.NetworkUsages.NewListPager(location, nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return 0, false, fmt.Errorf("quotas of networks: %w", err)
		}
		for _, u := range page.Value {
			if u.Name != nil && arm.EqualFold(value(u.Name.Value), "PublicIPAddresses") && u.Limit != nil && u.CurrentValue != nil {
				return *u.Limit - *u.CurrentValue, true, nil
			}
		}
	}
	return 0, false, nil
}

// outboundPorts finds too few outbound addresses for the machines' connections.
func (r *run) outboundPorts(ctx context.Context, found *report) {
	ips := r.managedIPs()
	if ips == 0 {
		return
	}
	lb, err := r.balancer(ctx)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	if lb == nil {
		return
	}
	if n := machinesBehind(lb, r.c.Internal.InfraID); n*portsPerMachine > ips*portsPerIP {
		found.add(arm.InvalidParameter, balancerTarget, "%d outbound addresses do not suffice for %d machines with %d ports each. Ask for at least %d.", ips, n, portsPerMachine, (n*portsPerMachine+portsPerIP-1)/portsPerIP)
	}
}

// machinesBehind returns the number of machines in a balancer's pool.
func machinesBehind(lb *armnetwork.LoadBalancer, name string) int {
	for _, p := range lb.Properties.BackendAddressPools {
		if arm.EqualFold(value(p.Name), name) && p.Properties != nil {
			return len(p.Properties.BackendIPConfigurations)
		}
	}
	return 0
}

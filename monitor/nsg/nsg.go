// Package nsg checks customers' network security groups for rules that disconnect a cluster's
// machines from each other.
//
// It queries Azure with the service's identity, and does not query the cluster.
package nsg

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/monitor/collectors"
)

// Monitor looks at the networks of clusters, as the service.
type Monitor struct{ azure *azure.Azure }

// New looks through a.
func New(a *azure.Azure) *Monitor { return &Monitor{azure: a} }

// Look reports whether the cluster has network security groups of its customer, and, if check is
// true, which of their rules keep its machines from reaching each other.
func (m *Monitor) Look(ctx context.Context, c *collectors.Cluster, emit metrics.Emitter, check bool) error {
	if !c.PreconfiguredNSG {
		return nil
	}
	began := time.Now()
	id, _ := arm.ParseClusterID(c.ResourceID)
	emit = metrics.With(emit, map[string]string{"resourceId": c.ResourceID, "location": c.Location, "subscriptionId": id.SubscriptionID})
	emit.EmitGauge("monitor.preconfigurednsg.enabled", 1, nil)
	if !check {
		return nil
	}
	defer func() { emit.EmitFloat("monitor.nsg.duration", time.Since(began).Seconds(), nil) }()
	masters, err := m.subnet(ctx, c, c.MasterSubnet, emit)
	errs := []error{err}
	var workers []*armnetwork.Subnet
	for _, subnetID := range unique(c.WorkerSubnets) {
		one, err := m.subnet(ctx, c, subnetID, emit)
		errs = append(errs, err)
		if one != nil {
			workers = append(workers, one)
		}
	}
	report(emit, masters, workers)
	return errors.Join(errs...)
}

// Subnets implements collectors.Network.
func (m *Monitor) Subnets(ctx context.Context, c *collectors.Cluster, ids []string) (prefixes map[string][]string, customDNS bool, err error) {
	prefixes = map[string][]string{}
	networks := map[string]bool{}
	for _, id := range unique(ids) {
		at, clients, err := m.clients(c, id)
		if err != nil {
			return nil, false, err
		}
		got, err := clients.Subnets.Get(ctx, at.ResourceGroupName, at.Parent.Name, at.Name, nil)
		if err != nil {
			return nil, false, fmt.Errorf("read the subnet %s: %w", id, err)
		}
		prefixes[arm.ToLower(id)] = prefixesOf(&got.Subnet)
		if network := arm.ToLower(at.Parent.String()); !networks[network] {
			networks[network] = true
			got, err := clients.VirtualNetworks.Get(ctx, at.ResourceGroupName, at.Parent.Name, nil)
			if err != nil {
				return nil, false, fmt.Errorf("read the virtual network of %s: %w", id, err)
			}
			if p := got.Properties; p != nil && p.DhcpOptions != nil && len(p.DhcpOptions.DNSServers) > 0 {
				customDNS = true
			}
		}
	}
	return prefixes, customDNS, nil
}

// clients reach a subnet as the service.
func (m *Monitor) clients(c *collectors.Cluster, subnetID string) (*azarm.ResourceID, *azure.Clients, error) {
	id, err := azarm.ParseResourceID(subnetID)
	if err != nil || id.Parent == nil {
		return nil, nil, fmt.Errorf("%q is not the id of a subnet", subnetID)
	}
	clients, err := m.azure.Clients(id.SubscriptionID, m.azure.FirstParty(c.TenantID))
	return id, clients, err
}

// subnet reads a subnet with its network security group; nil if the service may not.
func (m *Monitor) subnet(ctx context.Context, c *collectors.Cluster, subnetID string, emit metrics.Emitter) (*armnetwork.Subnet, error) {
	id, clients, err := m.clients(c, subnetID)
	if err != nil {
		emit.EmitGauge("monitor.preconfigurednsg.failedmonitorcreation", 1, nil)
		return nil, err
	}
	expand := "networkSecurityGroup"
	got, err := clients.Subnets.Get(ctx, id.ResourceGroupName, id.Parent.Name, id.Name, &armnetwork.SubnetsClientGetOptions{Expand: &expand})
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok && refused.StatusCode == http.StatusForbidden {
		emit.EmitGauge("monitor.preconfigurednsg.subnetaccessforbidden", 1, map[string]string{"subnet": id.Name, "vNet": id.Parent.Name, "nsgresourcegroup": id.ResourceGroupName})
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the subnet %s: %w", subnetID, err)
	}
	return &got.Subnet, nil
}

// report emits the rules that disconnect machines, once for each group.
func report(emit metrics.Emitter, masters *armnetwork.Subnet, workers []*armnetwork.Subnet) {
	sides := newSides(masters, workers)
	seen := map[string]bool{}
	for _, subnet := range append([]*armnetwork.Subnet{masters}, workers...) {
		if subnet == nil || subnet.Properties == nil || subnet.Properties.NetworkSecurityGroup == nil {
			continue
		}
		group := subnet.Properties.NetworkSecurityGroup
		id, err := azarm.ParseResourceID(text(group.ID))
		if err != nil || seen[arm.ToLower(id.String())] || group.Properties == nil {
			continue
		}
		seen[arm.ToLower(id.String())] = true
		for _, rule := range group.Properties.SecurityRules {
			if p := rule.Properties; p != nil && sides.cutBy(p) {
				emit.EmitGauge("monitor.preconfigurednsg.invaliddenyrule", 1, map[string]string{
					"nsgresourcegroup": id.ResourceGroupName, "networksecuritygroup": id.Name, "rulename": text(rule.Name),
					"sources": strings.Join(sources(p), ","), "destinations": strings.Join(destinations(p), ","),
					"direction": string(value(p.Direction)), "priority": strconv.Itoa(int(value(p.Priority)))})
			}
		}
	}
}

func sources(p *armnetwork.SecurityRulePropertiesFormat) []string {
	return all(p.SourceAddressPrefix, p.SourceAddressPrefixes)
}

func destinations(p *armnetwork.SecurityRulePropertiesFormat) []string {
	return all(p.DestinationAddressPrefix, p.DestinationAddressPrefixes)
}

func all(one *string, more []*string) (list []string) {
	for _, p := range append([]*string{one}, more...) {
		if p != nil && *p != "" {
			list = append(list, *p)
		}
	}
	return list
}

func prefixesOf(s *armnetwork.Subnet) []string {
	if s == nil || s.Properties == nil {
		return nil
	}
	return all(s.Properties.AddressPrefix, s.Properties.AddressPrefixes)
}

// unique leaves out ids that are empty or there already.
func unique(ids []string) (list []string) {
	for _, id := range ids {
		if id != "" && !slices.ContainsFunc(list, func(other string) bool { return arm.EqualFold(id, other) }) {
			list = append(list, id)
		}
	}
	return list
}

func text(s *string) string { return value(s) }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

// Running checks one cluster that runs, for those who operate the service. It repeats nothing: a fault that
// may be temporary is reported too.
type Running struct{ r *run }

// NewRunning returns the checks of a cluster, which its clients read.
func NewRunning(c *model.Cluster, clients *azure.Clients, about azure.Subject) Running {
	r := &run{Validator: &Validator{skus: map[string]skuList{}}, c: c, about: about, customer: clients, networks: map[string]*network{}}
	r.balancer = once(r.readBalancer)
	return Running{r}
}

// faultsOf runs checks one after another, which may depend on each other.
func (s Running) faultsOf(ctx context.Context, checks ...check) ([]*arm.Error, error) {
	var found report
	for _, c := range checks {
		c(ctx, &found)
	}
	return found.faults, found.err
}

// Networks returns what is wrong with the networks, subnets, security groups and routes.
func (s Running) Networks(ctx context.Context) ([]*arm.Error, error) {
	return s.faultsOf(ctx, s.r.readNetworks, s.r.networkLocations, s.r.cidrs, s.r.subnetsUsable, s.r.defaultRoutes, s.r.outboundPorts)
}

// NameServers returns the DNS servers of each virtual network by its name; none for Azure's own.
func (s Running) NameServers(ctx context.Context) (map[string][]string, error) {
	servers := map[string][]string{}
	for _, p := range s.r.uniquePlaces() {
		id, ok := networkOf(p.id)
		if !ok {
			continue // reported by Networks
		}
		if _, known := servers[id.String()]; known {
			continue
		}
		got, err := s.r.customer.VirtualNetworks.Get(ctx, id.ResourceGroupName, id.Name, nil)
		if err != nil {
			return nil, fmt.Errorf("virtual network %s: %w", id.Name, err)
		}
		servers[id.String()] = nil
		if got.Properties != nil && got.Properties.DhcpOptions != nil {
			for _, server := range got.Properties.DhcpOptions.DNSServers {
				servers[id.String()] = append(servers[id.String()], value(server))
			}
		}
	}
	return servers, nil
}

// SizeFor returns why the machines cannot have a size: whether the subscription may use it in the location and the
// zones of the machines, and whether it has what they need.
func (s Running) SizeFor(ctx context.Context, machines []*armcompute.VirtualMachine, size string) ([]*arm.Error, error) {
	skus, err := s.r.skusIn(ctx, s.r.customer, s.r.c.Location)
	if err != nil {
		return nil, err
	}
	const target = "vmSize"
	sku := skus[arm.ToLower(size)]
	if sku == nil {
		return []*arm.Error{absentSize(target, size, s.r.c.Location)}, nil
	}
	var found report
	if restricted(sku, s.r.c.Location) {
		found.add(arm.InvalidParameter, target, "The size %q is restricted in %s for the subscription. Choose another one, or ask Azure support to lift the restriction.", size, s.r.c.Location)
	}
	offered := zonesOf(sku)
	taken, reason := restrictedZones(sku, s.r.c.Location)
	for _, zone := range zonesOfMachines(machines) {
		switch {
		case !slices.Contains(offered, zone):
			found.add(arm.InvalidParameter, target, "The size %q does not exist in zone %s of %s, which has a machine of the control plane. Choose another one.", size, zone, s.r.c.Location)
		case taken[zone]:
			found.add(arm.InvalidParameter, target, "The size %q is restricted in zone %s of %s (%s), which has a machine of the control plane. Choose another one, or ask Azure support to lift the restriction.", size, zone, s.r.c.Location, reason)
		}
	}
	has := capabilities(sku)
	if s.r.c.Properties.MasterProfile.EncryptionAtHost == model.Enabled && has["EncryptionAtHostSupported"] != "True" {
		found.add(arm.InvalidParameter, target, "The size %q does not support encryption at host, which the control plane has. Choose another one.", size)
	}
	if premium(machines) && has["PremiumIO"] == "False" {
		found.add(arm.InvalidParameter, target, "The size %q does not support the machines' premium disks. Choose another one.", size)
	}
	return found.faults, found.err
}

func zonesOfMachines(machines []*armcompute.VirtualMachine) (zones []string) {
	for _, vm := range machines {
		for _, zone := range vm.Zones {
			if !slices.Contains(zones, value(zone)) {
				zones = append(zones, value(zone))
			}
		}
	}
	return zones
}

func premium(machines []*armcompute.VirtualMachine) bool {
	return slices.ContainsFunc(machines, func(vm *armcompute.VirtualMachine) bool {
		storage := vm.Properties.StorageProfile
		return storage != nil && storage.OSDisk != nil && storage.OSDisk.ManagedDisk != nil &&
			strings.HasPrefix(string(value(storage.OSDisk.ManagedDisk.StorageAccountType)), "Premium")
	})
}

// QuotaFor returns the quotas that are too small for the machines to have a size. Cores of a machine that stops for
// the resize are free for its new size.
func (s Running) QuotaFor(ctx context.Context, machines []*armcompute.VirtualMachine, size string) ([]*arm.Error, error) {
	sizes := model.SupportedVMSizes(model.Master)
	needs := map[string]int64{}
	for _, vm := range machines {
		if vm.Properties == nil || vm.Properties.HardwareProfile == nil {
			continue
		}
		was := string(value(vm.Properties.HardwareProfile.VMSize))
		if arm.EqualFold(was, size) {
			continue
		}
		needs["cores"] += int64(sizes[size].CoreCount)
		needs[sizes[size].Family] += int64(sizes[size].CoreCount)
		for name, old := range sizes {
			if arm.EqualFold(name, was) {
				needs["cores"] -= int64(old.CoreCount)
				needs[old.Family] -= int64(old.CoreCount)
			}
		}
	}
	free, err := s.r.freeOfMachines(ctx)
	if err != nil {
		return nil, err
	}
	var found report
	for _, counter := range []string{"cores", sizes[size].Family} {
		if left, limited := free[arm.ToLower(counter)]; limited && left < needs[counter] {
			found.add(arm.ResourceQuotaExceeded, "vmSize", "The resize needs %d more of the quota %s in %s, and %d are left. Raise it, or choose a smaller size.", needs[counter], counter, s.r.c.Location, max(left, 0))
		}
	}
	return found.faults, nil
}

package cluster

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// internalBalancer is the load balancer of the API server within the network.
type internalBalancer struct {
	azure *azureAccess
	now   func() time.Time
}

// temporaryFrontend names a frontend that carries the private link while the
// lasting one is replaced.
var temporaryFrontend = regexp.MustCompile(`^\d+-ip$`)

// migration is the progress of the internal balancer towards a frontend with zones. Azure cannot
// change the zones of a frontend, keeps a frontend that a private link service uses, and assigns an
// address to one frontend only. The migration therefore needs a second frontend and the steps
// below, each of which first checks the current state.
type migration struct {
	lasting, temporary *armnetwork.FrontendIPConfiguration
}

func migrationOf(lb *armnetwork.LoadBalancer) (m migration) {
	for _, f := range lb.Properties.FrontendIPConfigurations {
		switch name := deref(f.Name); {
		case name == template.InternalFrontend:
			m.lasting = f
		case temporaryFrontend.MatchString(name):
			m.temporary = f
		}
	}
	return m
}

// zonal reports whether the lasting frontend has its zones.
func (m migration) zonal() bool { return m.lasting != nil && len(m.lasting.Zones) > 0 }

func internalBalancerName(c *model.Cluster) string { return c.Internal.InfraID + "-internal" }

// editInternal changes the internal balancer, if change reports a difference.
func (s *internalBalancer) editInternal(ctx context.Context, w *Work, change func(*armnetwork.LoadBalancer) (bool, error)) error {
	clients, err := s.azure.customer(w.Resource())
	if err != nil {
		return err
	}
	return editBalancer(ctx, clients, w, internalBalancerName(w.Resource()), change)
}

// addTemporaryFrontend begins the migration of a frontend without zones.
func (s *internalBalancer) addTemporaryFrontend(ctx context.Context, w *Work) error {
	c := w.Resource()
	return s.editInternal(ctx, w, func(lb *armnetwork.LoadBalancer) (bool, error) {
		if m := migrationOf(lb); m.lasting == nil || m.zonal() || m.temporary != nil || len(c.Internal.Zones) == 0 {
			return false, nil
		}
		addFrontend(lb, c, strconv.FormatInt(s.now().Unix(), 10)+"-ip", "")
		return true, nil
	})
}

// addFrontend adds a frontend with the cluster's zones; without an address Azure
// chooses one.
func addFrontend(lb *armnetwork.LoadBalancer, c *model.Cluster, name, address string) {
	f := &armnetwork.FrontendIPConfiguration{Name: &name, Properties: &armnetwork.FrontendIPConfigurationPropertiesFormat{
		PrivateIPAllocationMethod: new(armnetwork.IPAllocationMethodDynamic), Subnet: &armnetwork.Subnet{ID: &c.Properties.MasterProfile.SubnetID},
	}}
	if address != "" {
		f.Properties.PrivateIPAllocationMethod, f.Properties.PrivateIPAddress = new(armnetwork.IPAllocationMethodStatic), &address
	}
	for _, zone := range c.Internal.Zones {
		f.Zones = append(f.Zones, &zone)
	}
	lb.Properties.FrontendIPConfigurations = append(lb.Properties.FrontendIPConfigurations, f)
}

// linkTemporaryFrontend keeps the service's connection to the API server working.
func (s *internalBalancer) linkTemporaryFrontend(ctx context.Context, w *Work) error {
	return s.link(ctx, w, func(m migration) *armnetwork.FrontendIPConfiguration {
		if m.zonal() {
			return nil
		}
		return m.temporary
	})
}

// linkLastingFrontend connects the private link to the lasting frontend again.
func (s *internalBalancer) linkLastingFrontend(ctx context.Context, w *Work) error {
	return s.link(ctx, w, func(m migration) *armnetwork.FrontendIPConfiguration {
		if !m.zonal() {
			return nil
		}
		return m.lasting
	})
}

// link connects the private link service to a frontend; nil leaves it unchanged.
func (s *internalBalancer) link(ctx context.Context, w *Work, choose func(migration) *armnetwork.FrontendIPConfiguration) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	lb, err := clients.LoadBalancers.Get(ctx, managedGroup(c), internalBalancerName(c), nil)
	if err != nil || lb.Properties == nil {
		return err
	}
	to := choose(migrationOf(&lb.LoadBalancer))
	if to == nil {
		return nil
	}
	name := c.Internal.InfraID + "-pls"
	return edit(ctx, clients, w, editable[armnetwork.PrivateLinkService, armnetwork.PrivateLinkServicesClientCreateOrUpdateResponse]{
		name: "private link service " + name,
		read: func(ctx context.Context) (*armnetwork.PrivateLinkService, *string, error) {
			got, err := clients.PrivateLinkServices.Get(ctx, managedGroup(c), name, nil)
			return &got.PrivateLinkService, got.Etag, err
		},
		write: func(ctx context.Context, service armnetwork.PrivateLinkService, token string) (*runtime.Poller[armnetwork.PrivateLinkServicesClientCreateOrUpdateResponse], error) {
			return clients.PrivateLinkServices.BeginCreateOrUpdate(ctx, managedGroup(c), name, service, &armnetwork.PrivateLinkServicesClientBeginCreateOrUpdateOptions{ResumeToken: token})
		},
	}, func(service *armnetwork.PrivateLinkService) (bool, error) {
		if service.Properties == nil {
			service.Properties = &armnetwork.PrivateLinkServiceProperties{}
		}
		has := service.Properties.LoadBalancerFrontendIPConfigurations
		if len(has) == 1 && arm.EqualFold(deref(has[0].ID), deref(to.ID)) {
			return false, nil
		}
		service.Properties.LoadBalancerFrontendIPConfigurations = []*armnetwork.FrontendIPConfiguration{{ID: to.ID}}
		return true, nil
	})
}

// removeFrontend removes the frontend without zones with the rules that need it:
// its address has to be free.
func (s *internalBalancer) removeFrontend(ctx context.Context, w *Work) error {
	return s.editInternal(ctx, w, func(lb *armnetwork.LoadBalancer) (bool, error) {
		m := migrationOf(lb)
		if m.temporary == nil || m.lasting == nil || m.zonal() {
			return false, nil
		}
		dropFrontend(lb, m.lasting)
		return true, nil
	})
}

func dropFrontend(lb *armnetwork.LoadBalancer, gone *armnetwork.FrontendIPConfiguration) {
	p := lb.Properties
	p.FrontendIPConfigurations = slices.DeleteFunc(p.FrontendIPConfigurations, func(f *armnetwork.FrontendIPConfiguration) bool { return f == gone })
	p.LoadBalancingRules = slices.DeleteFunc(p.LoadBalancingRules, func(r *armnetwork.LoadBalancingRule) bool {
		return r.Properties != nil && r.Properties.FrontendIPConfiguration != nil && arm.EqualFold(deref(r.Properties.FrontendIPConfiguration.ID), deref(gone.ID))
	})
}

// addZonalFrontend recreates the frontend, with the address that it had.
func (s *internalBalancer) addZonalFrontend(ctx context.Context, w *Work) error {
	c := w.Resource()
	return s.editInternal(ctx, w, func(lb *armnetwork.LoadBalancer) (bool, error) {
		if m := migrationOf(lb); m.temporary == nil || m.lasting != nil {
			return false, nil
		}
		addFrontend(lb, c, template.InternalFrontend, c.Properties.APIServerProfile.InternalIP)
		b := balancerOf(c)
		lb.Properties.LoadBalancingRules = append(lb.Properties.LoadBalancingRules,
			b.rule("api-internal-v4", 6443, 6443, c.Internal.InfraID, "api-internal-probe"),
			b.rule("sint-v4", 22623, 22623, c.Internal.InfraID, "sint-probe"))
		return true, nil
	})
}

// removeTemporaryFrontend ends the migration.
func (s *internalBalancer) removeTemporaryFrontend(ctx context.Context, w *Work) error {
	return s.editInternal(ctx, w, func(lb *armnetwork.LoadBalancer) (bool, error) {
		m := migrationOf(lb)
		if m.temporary == nil || !m.zonal() {
			return false, nil
		}
		dropFrontend(lb, m.temporary)
		return true, nil
	})
}

// balancer makes parts of the internal balancer, by its id.
type balancer string

func balancerOf(c *model.Cluster) balancer {
	return balancer(c.Properties.ClusterProfile.ResourceGroupID + "/providers/Microsoft.Network/loadBalancers/" + internalBalancerName(c))
}

func (b balancer) part(kind, name string) *armnetwork.SubResource {
	return &armnetwork.SubResource{ID: new(string(b) + "/" + kind + "/" + name)}
}

func (b balancer) rule(name string, from, to int32, pool, probe string) *armnetwork.LoadBalancingRule {
	return &armnetwork.LoadBalancingRule{Name: &name, Properties: &armnetwork.LoadBalancingRulePropertiesFormat{
		Protocol: new(armnetwork.TransportProtocolTCP), LoadDistribution: new(armnetwork.LoadDistributionDefault), IdleTimeoutInMinutes: new(int32(30)),
		FrontendPort: &from, BackendPort: &to, DisableOutboundSnat: new(name != "sint-v4"),
		FrontendIPConfiguration: b.part("frontendIPConfigurations", template.InternalFrontend),
		BackendAddressPool:      b.part("backendAddressPools", pool), Probe: b.part("probes", probe),
	}}
}

// recordInternalAddress stores the internal balancer's address if it is not stored yet.
func (s *internalBalancer) recordInternalAddress(ctx context.Context, w *Work) error {
	c := w.Resource()
	if c.Properties.APIServerProfile.InternalIP != "" {
		return nil
	}
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	lb, err := clients.LoadBalancers.Get(ctx, managedGroup(c), internalBalancerName(c), nil)
	if err != nil {
		return err
	}
	ip := frontendIP(&lb.LoadBalancer)
	if ip == "" {
		return later(w, "the internal load balancer to get an address")
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Properties.APIServerProfile.InternalIP != "" {
			return store.ErrUnchanged
		}
		c.Properties.APIServerProfile.InternalIP = ip
		return nil
	})
}

// masters is the number of machines that SSH rules lead to.
const masters = 3

func sshPool(i int) string { return "ssh-" + strconv.Itoa(i) }

// restoreSSH restores the internal balancer's SSH rule for each master.
func (s *internalBalancer) restoreSSH(ctx context.Context, w *Work) error {
	c := w.Resource()
	return s.editInternal(ctx, w, func(lb *armnetwork.LoadBalancer) (changed bool, _ error) {
		p := lb.Properties
		if !slices.ContainsFunc(p.Probes, func(x *armnetwork.Probe) bool { return deref(x.Name) == "ssh" }) {
			p.Probes = append(p.Probes, &armnetwork.Probe{Name: new("ssh"), Properties: &armnetwork.ProbePropertiesFormat{
				Protocol: new(armnetwork.ProbeProtocolTCP), Port: new(int32(22)), IntervalInSeconds: new(int32(5)), NumberOfProbes: new(int32(2)),
			}})
			changed = true
		}
		for i := range masters {
			name := sshPool(i)
			if !slices.ContainsFunc(p.BackendAddressPools, func(x *armnetwork.BackendAddressPool) bool { return deref(x.Name) == name }) {
				p.BackendAddressPools = append(p.BackendAddressPools, &armnetwork.BackendAddressPool{Name: &name})
				changed = true
			}
			if !slices.ContainsFunc(p.LoadBalancingRules, func(x *armnetwork.LoadBalancingRule) bool { return deref(x.Name) == name }) {
				p.LoadBalancingRules = append(p.LoadBalancingRules, balancerOf(c).rule(name, int32(2200+i), 22, name, "ssh"))
				changed = true
			}
		}
		return changed, nil
	})
}

// masterInterface matches the interface of a master, with its number.
var masterInterface = regexp.MustCompile(`master.*([0-2])-nic$`)

// restorePools puts the masters' interfaces into the pools that they belong to,
// and removes those whose machine is gone.
func (s *internalBalancer) restorePools(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	var nics []*armnetwork.Interface
	for pages := clients.Interfaces.NewListPager(managedGroup(c), nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		nics = append(nics, page.Value...)
	}
	return inParallel(nics, func(nic *armnetwork.Interface) error {
		number := masterInterface.FindStringSubmatch(deref(nic.Name))
		if number == nil || configurationIn(nic, c.Properties.MasterProfile.SubnetID) == nil {
			return nil
		}
		if nic.Properties.VirtualMachine == nil {
			return removeInterface(ctx, clients, w, deref(nic.Name))
		}
		return setPools(ctx, clients, w, deref(nic.Name), poolsOfMaster(c, number[1]))
	})
}

func configurationIn(nic *armnetwork.Interface, subnet string) *armnetwork.InterfaceIPConfigurationPropertiesFormat {
	if nic.Properties == nil {
		return nil
	}
	for _, c := range nic.Properties.IPConfigurations {
		if c.Properties != nil && c.Properties.Subnet != nil && arm.EqualFold(deref(c.Properties.Subnet.ID), subnet) {
			return c.Properties
		}
	}
	return nil
}

func poolsOfMaster(c *model.Cluster, number string) []string {
	internal := string(balancerOf(c)) + "/backendAddressPools/"
	pools := []string{internal + c.Internal.InfraID, internal + "ssh-" + number}
	if balanced(c) {
		pools = append(pools, strings.TrimSuffix(string(balancerOf(c)), "-internal")+"/backendAddressPools/"+c.Internal.InfraID)
	}
	return pools
}

// setPools adds an interface to pools, and removes it from other SSH pools; pools that the service
// did not make stay as they are. Without desired pools it changes nothing.
func setPools(ctx context.Context, clients *azure.Clients, w *Work, name string, wanted []string) error {
	c := w.Resource()
	return edit(ctx, clients, w, editable[armnetwork.Interface, armnetwork.InterfacesClientCreateOrUpdateResponse]{
		name: "network interface " + name,
		read: func(ctx context.Context) (*armnetwork.Interface, *string, error) {
			got, err := clients.Interfaces.Get(ctx, managedGroup(c), name, nil)
			return &got.Interface, got.Etag, err
		},
		write: func(ctx context.Context, nic armnetwork.Interface, token string) (*runtime.Poller[armnetwork.InterfacesClientCreateOrUpdateResponse], error) {
			return clients.Interfaces.BeginCreateOrUpdate(ctx, managedGroup(c), name, nic, &armnetwork.InterfacesClientBeginCreateOrUpdateOptions{ResumeToken: token})
		},
	}, func(nic *armnetwork.Interface) (bool, error) {
		in := configurationIn(nic, c.Properties.MasterProfile.SubnetID)
		if in == nil {
			return false, nil
		}
		var kept []string
		for _, pool := range in.LoadBalancerBackendAddressPools {
			id := deref(pool.ID)
			if holds(wanted, id) || wanted != nil && !strings.HasPrefix(lastSegment(id), "ssh-") {
				kept = append(kept, id)
			}
		}
		for _, id := range wanted {
			if !holds(kept, id) {
				kept = append(kept, id)
			}
		}
		had := len(in.LoadBalancerBackendAddressPools)
		same := len(kept) == had && !slices.ContainsFunc(in.LoadBalancerBackendAddressPools, func(p *armnetwork.BackendAddressPool) bool { return !holds(kept, deref(p.ID)) })
		in.LoadBalancerBackendAddressPools = nil
		for _, id := range kept {
			in.LoadBalancerBackendAddressPools = append(in.LoadBalancerBackendAddressPools, &armnetwork.BackendAddressPool{ID: &id})
		}
		return !same, nil
	})
}

// removeInterface removes an interface that no machine uses.
func removeInterface(ctx context.Context, clients *azure.Clients, w *Work, name string) error {
	if err := setPools(ctx, clients, w, name, nil); err != nil && !azure.NotFound(err) {
		return err
	}
	return deleteInterface(ctx, clients, w, name)
}

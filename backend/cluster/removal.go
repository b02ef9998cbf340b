package cluster

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/wait"
)

// removal deletes a cluster's resources.
type removal struct {
	azure     *azureAccess
	resources *resources
	log       *slog.Logger
}

// restoreRights writes the managed group again, because a subscription that moved to another tenant
// loses the service's role assignments. Its failure is ignored.
func (s *removal) restoreRights(ctx context.Context, w *Work) error {
	there, err := s.azure.groupIsOurs(ctx, w.Resource())
	if there || azure.Code(err) == "AuthorizationFailed" {
		err = s.resources.ensureGroup(ctx, w)
	}
	if err != nil {
		s.log.WarnContext(ctx, "rights in the managed resource group not restored", "resource_id", w.Resource().ID, "error", err)
	}
	return nil
}

// levels order the deletion of resources: a lower level goes first. Types that are not listed are
// at level 0. All are in lower case.
var levels = map[string]int{
	"microsoft.compute/virtualmachines":                 -4,
	"microsoft.network/privateendpoints":                -4,
	"microsoft.network/privatelinkservices":             -3,
	"microsoft.compute/galleries/applications/versions": -2,
	"microsoft.compute/galleries/images/versions":       -2,
	"microsoft.compute/galleries/applications":          -1,
	"microsoft.compute/galleries/images":                -1,
	"microsoft.compute/galleries/serviceartifacts":      -1,
	"microsoft.network/networkinterfaces":               -1,
	"microsoft.network/networksecuritygroups":           1,
	"microsoft.network/privatednszones":                 1,
	"microsoft.network/publicipaddresses":               1, // load balancers hold them
	"microsoft.compute/galleries":                       1,
}

// item is one resource to delete.
type item struct {
	id, kind string // kind in lower case
}

// removeResources deletes the managed group's resources, level by level, and then the group. It
// reports all blocking resources at once.
func (s *removal) removeResources(ctx context.Context, w *Work) error {
	c := w.Resource()
	there, err := s.azure.groupIsOurs(ctx, c)
	if err != nil || !there {
		return err
	}
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	items, err := resourcesIn(ctx, clients, managedGroup(c))
	if err != nil {
		return err
	}
	r := &remover{s, clients, w, c, map[string]string{}}
	for _, level := range inLevels(items) {
		if err := r.removeLevel(ctx, level); err != nil {
			return err
		}
	}
	ctx, op := deletion(ctx, clients, w, "resource group "+managedGroup(c))
	poller, err := clients.Groups.BeginDelete(ctx, managedGroup(c), &armresources.ResourceGroupsClientBeginDeleteOptions{ResumeToken: op.Token})
	return deleted(ctx, op, poller, err)
}

func resourcesIn(ctx context.Context, clients *azure.Clients, group string) ([]item, error) {
	var items []item
	for pages := clients.Resources.NewListByResourceGroupPager(group, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if azure.NotFound(err) {
			return items, nil
		}
		if err != nil {
			return nil, err
		}
		for _, r := range page.Value {
			items = append(items, item{deref(r.ID), strings.ToLower(deref(r.Type))})
		}
	}
	return items, nil
}

// inLevels groups items that may be deleted at the same time, each group in a fixed order.
func inLevels(items []item) [][]item {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(levels[a.kind], levels[b.kind]), cmp.Compare(strings.ToLower(a.id), strings.ToLower(b.id)))
	})
	var all [][]item
	for i, it := range items {
		if i == 0 || levels[items[i-1].kind] != levels[it.kind] {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], it)
	}
	return all
}

// remover removes resources of one cluster.
type remover struct {
	*removal
	clients *azure.Clients
	w       *Work
	c       *model.Cluster
	// versions are API versions by kind.
	versions map[string]string
}

// removeLevel starts all deletions of a level, and waits for all.
func (r *remover) removeLevel(ctx context.Context, level []item) error {
	for _, it := range level {
		if err := r.findVersion(ctx, it.kind); err != nil {
			return err
		}
	}
	failed := make([]error, len(level))
	_ = inParallel(indices(level), func(i int) error {
		failed[i] = r.removeOne(ctx, level[i])
		return nil
	})
	return blockers(level, failed, r.azure.SubjectOf(r.c))
}

func indices[T any](l []T) []int {
	n := make([]int, len(l))
	for i := range l {
		n[i] = i
	}
	return n
}

func (r *remover) removeOne(ctx context.Context, it item) error {
	version := r.versions[it.kind]
	if version == "" {
		r.log.WarnContext(ctx, "resource of an unknown kind is left to its group", "resource_id", r.c.ID, "resource", it.id)
		return nil
	}
	if err := r.loosen(ctx, it); err != nil {
		return err
	}
	ctx, op := deletion(ctx, r.clients, r.w, it.kind+" "+lastSegment(it.id))
	poller, err := r.clients.Resources.BeginDeleteByID(ctx, it.id, version, &armresources.ClientBeginDeleteByIDOptions{ResumeToken: op.Token})
	return deleted(ctx, op, poller, err)
}

// loosen removes the references that would prevent a resource's deletion.
func (r *remover) loosen(ctx context.Context, it item) error {
	switch it.kind {
	case "microsoft.network/networksecuritygroups":
		return r.detachSecurityGroup(ctx, it.id)
	case "microsoft.network/privatednszones":
		return r.unlinkZone(ctx, it.id)
	case "microsoft.network/networkinterfaces":
		return r.repairInterface(ctx, it.id)
	}
	return nil
}

// detachSecurityGroup detaches the group from the customer's subnets. The subnets stay.
func (r *remover) detachSecurityGroup(ctx context.Context, id string) error {
	group, err := r.clients.SecurityGroups.Get(ctx, managedGroup(r.c), lastSegment(id), nil)
	if azure.NotFound(err) || err == nil && group.Properties == nil {
		return nil
	}
	if err != nil {
		return err
	}
	for _, subnet := range group.Properties.Subnets {
		err := editSubnet(ctx, r.clients, r.w, deref(subnet.ID), func(p *armnetwork.SubnetPropertiesFormat) (bool, error) {
			if p.NetworkSecurityGroup == nil || !arm.EqualFold(deref(p.NetworkSecurityGroup.ID), id) {
				return false, nil
			}
			p.NetworkSecurityGroup = nil
			return true, nil
		})
		if err != nil && !arm.InvalidLinkedVNet.Is(err) { // which says that the subnet is gone
			return err
		}
	}
	return nil
}

// unlinkZone removes a private zone's links to virtual networks, as older
// clusters have.
func (r *remover) unlinkZone(ctx context.Context, id string) error {
	zone := lastSegment(id)
	for pages := r.clients.ZoneLinks.NewListPager(managedGroup(r.c), zone, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if azure.NotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, link := range page.Value {
			ctx, op := deletion(ctx, r.clients, r.w, "link "+deref(link.Name)+" of zone "+zone)
			poller, err := r.clients.ZoneLinks.BeginDelete(ctx, managedGroup(r.c), zone, deref(link.Name), &armprivatedns.VirtualNetworkLinksClientBeginDeleteOptions{ResumeToken: op.Token})
			if err := deleted(ctx, op, poller, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// repairInterface writes a failed interface again: Azure deletes no failed interface.
func (r *remover) repairInterface(ctx context.Context, id string) error {
	name := lastSegment(id)
	ctx, op := r.clients.Operation(ctx, r.w, "the change of network interface "+name)
	var nic armnetwork.Interface
	if op.Token == "" {
		got, err := r.clients.Interfaces.Get(ctx, managedGroup(r.c), name, nil)
		if err != nil || got.Properties == nil || deref(got.Properties.ProvisioningState) != armnetwork.ProvisioningStateFailed {
			return nil //nolint:nilerr // nothing to repair; the deletion reports it
		}
		nic = got.Interface
	}
	poller, err := r.clients.Interfaces.BeginCreateOrUpdate(ctx, managedGroup(r.c), name, nic, &armnetwork.InterfacesClientBeginCreateOrUpdateOptions{ResumeToken: op.Token})
	_, err = azure.Await(ctx, op, poller, err)
	if errors.As(err, new(*wait.Pending)) {
		return err
	}
	if err != nil {
		r.log.WarnContext(ctx, "network interface not repaired", "resource_id", r.c.ID, "resource", id, "error", err)
	}
	return nil
}

// known maps the resource types that clusters consist of to API versions; Azure is queried for
// those of other types.
var known = map[string]string{
	"microsoft.compute/disks":                 "2023-04-02",
	"microsoft.compute/snapshots":             "2023-04-02",
	"microsoft.compute/virtualmachines":       "2024-03-01",
	"microsoft.network/loadbalancers":         "2023-11-01",
	"microsoft.network/networkinterfaces":     "2023-11-01",
	"microsoft.network/networksecuritygroups": "2023-11-01",
	"microsoft.network/privatednszones":       "2020-06-01",
	"microsoft.network/privateendpoints":      "2023-11-01",
	"microsoft.network/privatelinkservices":   "2023-11-01",
	"microsoft.network/publicipaddresses":     "2023-11-01",
	"microsoft.storage/storageaccounts":       "2023-01-01",
}

// findVersion finds an API version of a kind, a stable one if there is any.
func (r *remover) findVersion(ctx context.Context, kind string) error {
	if _, done := r.versions[kind]; done {
		return nil
	}
	if version := known[kind]; version != "" {
		r.versions[kind] = version
		return nil
	}
	namespace, name, _ := strings.Cut(kind, "/")
	provider, err := r.clients.Providers.Get(ctx, namespace, nil)
	if err != nil && !azure.NotFound(err) {
		return err
	}
	r.versions[kind] = versionOf(provider.ResourceTypes, name)
	return nil
}

func versionOf(types []*armresources.ProviderResourceType, name string) (version string) {
	for _, t := range types {
		if !arm.EqualFold(deref(t.ResourceType), name) {
			continue
		}
		for _, v := range t.APIVersions {
			if !strings.Contains(deref(v), "preview") {
				return deref(v)
			}
			version = cmp.Or(version, deref(v))
		}
	}
	return version
}

// blockers makes one error of all final failures, when no deletion of the level is running. If
// there is none, it is an error that may resolve itself.
func blockers(level []item, failed []error, about azure.Subject) error {
	var faults arm.Faults
	var cause, passing error
	for i, err := range failed {
		if errors.As(err, new(*wait.Pending)) {
			return err
		}
		err = azure.Explain(err, about)
		var typed *arm.Error
		if errors.As(err, &typed) {
			*typed = *typed.Naming(level[i].id)
		}
		if _, final := err.(*arm.Error); final { //nolint:errorlint // wrapped by wait.Again it is not final
			faults.AddError(typed)
			cause = cmp.Or(cause, failed[i])
		} else {
			passing = cmp.Or(passing, err)
		}
	}
	var all *arm.Error
	if errors.As(faults.Err(), &all) {
		return all.Because(cause)
	}
	return passing
}

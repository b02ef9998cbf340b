package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

const (
	// skuAge is how long a list of sizes is cached; it is long and changes rarely.
	skuAge = 10 * time.Minute
	// maxSKULists bounds the number of subscriptions whose lists are cached.
	maxSKULists = 64
	// masters is their number; while bootstrapping there is one more.
	masters      = 3
	masterTarget = "properties.masterProfile"
)

// pool is machines of one size, with the path that specifies them.
type pool struct {
	target, size, subnet, diskSet string
	count                         int
	encrypted                     bool
	by                            naming
}

// pools returns the masters, counted with the bootstrap machine, and the workers.
func (r *run) pools() []pool { return poolsOf(r.c) }

func poolsOf(c *model.Cluster) []pool {
	m := c.Properties.MasterProfile
	all := []pool{{masterTarget, m.VMSize, m.SubnetID, m.DiskEncryptionSetID, masters + 1, m.EncryptionAtHost == model.Enabled, ""}}
	name, workers := c.Properties.WorkerPools()
	for i, w := range workers {
		all = append(all, pool{fmt.Sprintf("properties.%s[%d]", name, i), w.VMSize, w.SubnetID, w.DiskEncryptionSetID, w.Count, w.EncryptionAtHost == model.Enabled, namingOf(name, w)})
	}
	return all
}

// skusIn lists the VM sizes that a subscription can use in a location.
func (v *Validator) skusIn(ctx context.Context, clients *azure.Clients, location string) (map[string]*armcompute.ResourceSKU, error) {
	key := arm.ToLower(clients.Subscription + "/" + location)
	v.mu.Lock()
	known := v.skus[key]
	v.mu.Unlock()
	if known.sizes != nil && time.Since(known.at) < skuAge {
		return known.sizes, nil
	}
	filter := "location eq '" + strings.ReplaceAll(location, "'", "") + "'"
	sizes := map[string]*armcompute.ResourceSKU{}
	pager := clients.SKUs.NewListPager(&armcompute.ResourceSKUsClientListOptions{Filter: &filter})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("sizes of machines in %s: %w", location, err)
		}
		for _, sku := range page.Value {
			if isMachine(sku, location) {
				sizes[arm.ToLower(value(sku.Name))] = sku
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.skus) >= maxSKULists {
		clear(v.skus)
	}
	v.skus[key] = skuList{sizes, time.Now()}
	return sizes, nil
}

func isMachine(sku *armcompute.ResourceSKU, location string) bool {
	return sku != nil && arm.EqualFold(value(sku.ResourceType), "virtualMachines") && len(sku.LocationInfo) > 0 &&
		slices.ContainsFunc(sku.Locations, func(l *string) bool { return sameLocation(value(l), location) })
}

// Capabilities returns those of a VM size in a location, with the names of Azure's
// resource SKU API.
func (v *Validator) Capabilities(ctx context.Context, clients *azure.Clients, location, size string) (map[string]string, error) {
	skus, err := v.skusIn(ctx, clients, location)
	if err != nil {
		return nil, err
	}
	sku := skus[arm.ToLower(size)]
	if sku == nil {
		return nil, absentSize("", size, location)
	}
	return capabilities(sku), nil
}

func capabilities(sku *armcompute.ResourceSKU) map[string]string {
	all := map[string]string{}
	for _, c := range sku.Capabilities {
		all[value(c.Name)] = value(c.Value)
	}
	return all
}

func absentSize(target, size, location string) *arm.Error {
	return arm.InvalidParameter.At(target, "The size %q does not exist in %s. Choose another one.", size, location)
}

// sizes finds sizes that are not offered to the subscription, or do not support
// encryption.
func (r *run) sizes(ctx context.Context, found *report) {
	skus, err := r.skusIn(ctx, r.customer, r.c.Location)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	for _, p := range r.pools() {
		sku := skus[arm.ToLower(p.size)]
		switch {
		case sku == nil:
			found.faults = append(found.faults, absentSize(p.target+".vmSize", p.size, r.c.Location))
		case restricted(sku, r.c.Location):
			found.add(arm.InvalidParameter, p.target+".vmSize", "The size %q is restricted in %s for the subscription. Choose another one, or ask Azure support to lift the restriction.", p.size, r.c.Location)
		case p.encrypted && capabilities(sku)["EncryptionAtHostSupported"] != "True":
			found.add(arm.InvalidParameter, p.target+".encryptionAtHost", "The size %q does not support encryption at host. Choose another one, or set it to Disabled.", p.size)
		}
	}
}

// encryptionFeature finds a missing registration of the feature for encryption at
// host.
func (r *run) encryptionFeature(ctx context.Context, found *report) {
	i := slices.IndexFunc(r.pools(), func(p pool) bool { return p.encrypted })
	if i < 0 {
		return
	}
	got, err := r.customer.Features.Get(ctx, "Microsoft.Compute", "EncryptionAtHost", nil)
	if err != nil && !azure.NotFound(err) {
		found.explain(err, r.about)
		return
	}
	if got.Properties == nil || value(got.Properties.State) != "Registered" {
		found.add(arm.InvalidParameter, r.pools()[i].target+".encryptionAtHost", "The subscription has not registered the feature Microsoft.Compute/EncryptionAtHost. Register it, or set encryptionAtHost to Disabled.")
	}
}

// providers finds resource providers that clusters need and that are not
// registered.
func (r *run) providers(ctx context.Context, found *report) {
	var missing []string
	for _, name := range []string{"Microsoft.Authorization", "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage"} {
		got, err := r.customer.Providers.Get(ctx, name, nil)
		if err != nil {
			found.explain(err, r.about)
			return
		}
		if value(got.RegistrationState) != "Registered" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		found.add(arm.ResourceProviderNotRegistered, "", "The subscription has not registered %s. Register them, for example with az provider register.", strings.Join(missing, ", "))
	}
}

// diskSet is a disk encryption set, with the first path that refers to it.
type diskSet struct {
	id, target string
	by         naming
}

func (r *run) encryptionSets() []diskSet {
	var all []diskSet
	seen := map[string]bool{}
	for _, p := range r.pools() {
		if key := arm.ToLower(p.diskSet); p.diskSet != "" && !seen[key] {
			seen[key] = true
			all = append(all, diskSet{p.diskSet, p.target + ".diskEncryptionSetId", p.by})
		}
	}
	return all
}

// diskEncryptionSets finds sets that do not exist or are in another location.
func (r *run) diskEncryptionSets(ctx context.Context, found *report) {
	for _, set := range r.encryptionSets() {
		group, name, ok := named(set.id)
		if !ok {
			found.add(arm.InvalidResourceID, set.target, "The id %q%s is not that of a disk encryption set. Correct it.", set.id, set.by)
			continue
		}
		got, err := r.customer.DiskEncryptionSets.Get(ctx, group, name, nil)
		switch {
		case azure.NotFound(err):
			found.add(arm.InvalidLinkedDiskEncryptionSet, set.target, "The disk encryption set %q%s does not exist. Create it, or %s.", set.id, set.by, set.by.remedy())
		case err != nil:
			found.explain(err, r.about)
		case !sameLocation(value(got.Location), r.c.Location):
			found.add(arm.InvalidLinkedDiskEncryptionSet, set.target, "The disk encryption set %q is in %s, but the cluster in %s. Use one in the cluster's location.", set.id, value(got.Location), r.c.Location)
		}
	}
}

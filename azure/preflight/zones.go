package preflight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

// Zones chooses the zones of the cluster's machines; none if the region has none.
func (v *Validator) Zones(ctx context.Context, clients *azure.Clients, c *model.Cluster) ([]string, error) {
	skus, err := v.skusIn(ctx, clients, c.Location)
	if err != nil {
		return nil, err
	}
	var faults arm.Faults
	for _, p := range zonedPools(c) {
		if skus[arm.ToLower(p.size)] == nil {
			faults.AddError(absentSize(p.target+".vmSize", p.size, c.Location))
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	zones, short := chooseZones(skus, c)
	for _, f := range short {
		faults.AddError(f)
	}
	return zones, faults.Err()
}

// zones finds sizes that are available in too few availability zones.
func (r *run) zones(ctx context.Context, found *report) {
	skus, err := r.skusIn(ctx, r.customer, r.c.Location)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	for _, p := range zonedPools(r.c) { // sizes reports those that are not offered at all
		if sku := skus[arm.ToLower(p.size)]; sku == nil || restricted(sku, r.c.Location) {
			return
		}
	}
	_, short := chooseZones(skus, r.c)
	found.faults = append(found.faults, short...)
}

// zonedPools returns the masters and the first pool of workers, for which the
// installer creates a machine set in each zone.
func zonedPools(c *model.Cluster) []pool {
	pools := poolsOf(c)
	return pools[:min(2, len(pools))]
}

// chooseZones returns the union of the zones of masters and workers, whose sizes
// are known, and the problem if there is one.
func chooseZones(skus map[string]*armcompute.ResourceSKU, c *model.Cluster) (zones []string, faults []*arm.Error) {
	pools, union := zonedPools(c), map[string]bool{}
	offered := make([][]string, len(pools))
	for i, p := range pools {
		sku := skus[arm.ToLower(p.size)]
		offered[i] = zonesOf(sku)
		taken, reason := restrictedZones(sku, c.Location)
		free := slices.DeleteFunc(slices.Clone(offered[i]), func(zone string) bool { return taken[zone] })
		for _, zone := range free {
			union[zone] = true
		}
		target := p.target + ".vmSize"
		switch {
		case (len(offered[i]) == 0) != (len(offered[0]) == 0):
			faults = append(faults, arm.InvalidParameter.At(target, "Only one of the sizes %q and %q is offered in availability zones of %s. Choose sizes that both are, or both are not.", pools[0].size, p.size, c.Location))
		case len(offered[i]) == 0:
		case len(offered[i]) < masters:
			faults = append(faults, arm.InvalidParameter.At(target, "The size %q is offered in only %d availability zones of %s, and a cluster needs %d. Choose another one.", p.size, len(offered[i]), c.Location, masters))
		case len(free) < masters:
			faults = append(faults, arm.InvalidParameter.At(target, "The size %q is restricted in %s of %s for the subscription (%s), and a cluster needs %d availability zones. Choose another size, or ask Azure support to lift the restriction.",
				p.size, zoneList(offered[i], taken), c.Location, reason, masters))
		}
	}
	return slices.Sorted(maps.Keys(union)), faults
}

func zoneList(offered []string, taken map[string]bool) string {
	var names []string
	for _, zone := range offered {
		if taken[zone] {
			names = append(names, zone)
		}
	}
	if len(names) == 1 {
		return "zone " + names[0]
	}
	return fmt.Sprintf("zones %s and %s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

// zonesOf returns the zones that clusters can use: 1, 2 and 3.
func zonesOf(sku *armcompute.ResourceSKU) []string {
	var all []string
	if len(sku.LocationInfo) == 0 || sku.LocationInfo[0] == nil {
		return nil
	}
	for _, z := range sku.LocationInfo[0].Zones {
		if name := value(z); name == "1" || name == "2" || name == "3" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// restrictedZones returns the zones of a location in which the subscription cannot
// use a size that the location offers, and Azure's reason code.
func restrictedZones(sku *armcompute.ResourceSKU, location string) (zones map[string]bool, reason string) {
	zones = map[string]bool{}
	for _, restriction := range sku.Restrictions {
		if restriction == nil || value(restriction.Type) != armcompute.ResourceSKURestrictionsTypeZone || restriction.RestrictionInfo == nil || !restricts(restriction, location) {
			continue
		}
		for _, zone := range restriction.RestrictionInfo.Zones {
			zones[value(zone)], reason = true, string(value(restriction.ReasonCode))
		}
	}
	return zones, reason
}

// restricted reports whether a size cannot be used in the whole location.
func restricted(sku *armcompute.ResourceSKU, location string) bool {
	return slices.ContainsFunc(sku.Restrictions, func(restriction *armcompute.ResourceSKURestrictions) bool {
		if restriction == nil {
			return false
		}
		kind := value(restriction.Type)
		return (kind == "" || kind == armcompute.ResourceSKURestrictionsTypeLocation) && restricts(restriction, location)
	})
}

// restricts reports whether a restriction applies to a location.
func restricts(restriction *armcompute.ResourceSKURestrictions, location string) bool {
	listed := restriction.Values
	if restriction.RestrictionInfo != nil {
		listed = slices.Concat(listed, restriction.RestrictionInfo.Locations)
	}
	return slices.ContainsFunc(listed, func(l *string) bool { return sameLocation(value(l), location) })
}

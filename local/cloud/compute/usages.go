package compute

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/model"
)

// The names of limits that count something else than the cores of a family.
const (
	coresUsage   = "cores"
	vmsUsage     = "virtualMachines"
	premiumUsage = "PremiumDiskCount"
)

// limit of a subscription in a location.
func (c *Compute) limit(usage string) int {
	if limit, given := c.Limits[usage]; given {
		return limit
	}
	switch usage {
	case vmsUsage:
		return 25000
	case premiumUsage:
		return 50000
	}
	return 4000
}

// families by size in lower case, of every size that clusters can have.
var families = sync.OnceValue(func() map[string]model.VMSize {
	all := map[string]model.VMSize{}
	for _, role := range []model.Role{model.Master, model.Worker} {
		for name, size := range model.SupportedVMSizes(role) {
			all[strings.ToLower(name)] = size
		}
	}
	return all
})

var (
	coresPattern  = regexp.MustCompile(`_[A-Za-z]+([0-9]+)`)
	familyPattern = regexp.MustCompile(`^Standard_([A-Z]+)[0-9-]+([a-z]*)_?(v[0-9]+)?$`)
)

// cost is what a size takes of the limits: its cores, and of which family.
func cost(size string) (cores int, family string) {
	if known, ok := families()[strings.ToLower(size)]; ok {
		return known.CoreCount, known.Family
	}
	if m := coresPattern.FindStringSubmatch(size); m != nil {
		cores, _ = strconv.Atoi(m[1]) // the pattern has digits only
	}
	family = "standardFamily"
	if m := familyPattern.FindStringSubmatch(size); m != nil {
		family = "standard" + m[1] + strings.ToUpper(m[2]) + m[3] + "Family"
	}
	return cores, family
}

// used are the limits' present values in a location.
func (c *Compute) used(ctx context.Context, subscription, location string) (map[string]int, error) {
	used := map[string]int{coresUsage: 0, vmsUsage: 0, premiumUsage: 0}
	for _, size := range families() {
		used[size.Family] = 0
	}
	of := func(resourceType string, count func(*resources.Resource)) error {
		all, err := c.Engine.Below(ctx, "/subscriptions/"+subscription, resourceType)
		for _, r := range all {
			if r.Location == location {
				count(r)
			}
		}
		return err
	}
	err := of(disks, func(r *resources.Resource) {
		if textAt(r.SKU, "tier") == "Premium" {
			used[premiumUsage]++
		}
	})
	if err != nil {
		return nil, err
	}
	return used, of(virtualMachines, func(r *resources.Resource) {
		used[vmsUsage]++
		if powerOf(r) != deallocated {
			cores, family := cost(r.Text("hardwareProfile", "vmSize"))
			used[coresUsage] += cores
			used[family] += cores
		}
	})
}

func textAt(m object, member string) string {
	s, _ := m[member].(string)
	return s
}

// usages answers how much of its limits a subscription uses.
func (c *Compute) usages() {
	c.Engine.Route(http.MethodGet, "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/usages",
		func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
			used, err := c.used(ctx, call.Values["subscription"], resources.Location(call.Values["location"]))
			if err != nil {
				return nil, err
			}
			var names []string
			for name := range used {
				names = append(names, name)
			}
			slices.Sort(names)
			value := []any{}
			for _, name := range names {
				value = append(value, object{
					"name": object{"value": name, "localizedValue": label(name)}, "unit": "Count", "currentValue": used[name], "limit": c.limit(name),
				})
			}
			return &resources.Answer{Status: http.StatusOK, Body: object{"value": value}}, nil
		})
}

func label(usage string) string {
	switch usage {
	case coresUsage:
		return "Total Regional vCPUs"
	case vmsUsage:
		return "Virtual Machines"
	case premiumUsage:
		return "Premium Storage Managed Disks"
	}
	return usage + " vCPUs"
}

// withinQuota refuses a machine whose cores the subscription has not left. The
// machine itself is not counted, whether or not it has cores now.
func (c *Compute) withinQuota(ctx context.Context, r *resources.Resource) error {
	used, err := c.used(ctx, resources.Subscription(r.ID), r.Location)
	if err != nil {
		return err
	}
	if have, found, err := c.Engine.Find(ctx, r.ID); err != nil {
		return err
	} else if found && powerOf(have) != deallocated {
		cores, family := cost(have.Text("hardwareProfile", "vmSize"))
		used[coresUsage] -= cores
		used[family] -= cores
	}
	cores, family := cost(r.Text("hardwareProfile", "vmSize"))
	for _, usage := range []string{family, coresUsage} {
		if limit := c.limit(usage); used[usage]+cores > limit {
			return resources.Refuse(http.StatusConflict, "QuotaExceeded",
				"Operation could not be completed as it results in exceeding approved %s Cores quota. Additional details - Deployment Model: Resource Manager, Location: %s, "+
					"Current Limit: %d, Current Usage: %d, Additional Required: %d, (Minimum) New Limit Required: %d.", usage, r.Location, limit, used[usage], cores, used[usage]+cores)
		}
	}
	return nil
}

package armtemplate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/functions"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// scopeSpecials are the functions of scopes and of the ids of resources.
func scopeSpecials() []special {
	const group = "Scope"
	return []special{
		eager("subscription", group, 0, 0, func(f *frame, _ []any) (any, error) { return f.env.Subscription, nil }),
		eager("tenant", group, 0, 0, func(f *frame, _ []any) (any, error) { return f.env.Tenant, nil }),
		eager("resourceGroup", group, 0, 0, func(f *frame, _ []any) (any, error) {
			if f.env.Group == nil {
				return nil, errors.New("there is no resource group at the scope of a subscription")
			}
			return f.env.Group, nil
		}),
		ids("resourceId", 2, resourceID),
		ids("subscriptionResourceId", 2, func(f *frame, a []string) (string, error) {
			subscription := f.env.subscription()
			if !strings.Contains(a[0], "/") {
				subscription, a = a[0], a[1:]
			}
			return typed("/subscriptions/"+subscription, a)
		}),
		ids("tenantResourceId", 2, func(_ *frame, a []string) (string, error) { return typed("", a) }),
		ids("extensionResourceId", 3, func(_ *frame, a []string) (string, error) { return typed("/"+strings.Trim(a[0], "/"), a[1:]) }),
		ids("managementGroupResourceId", 3, func(_ *frame, a []string) (string, error) {
			if strings.Contains(a[0], "/") {
				return "", errors.New("deployments are to resource groups and subscriptions only, so the name of a management group comes first")
			}
			return typed("/providers/Microsoft.Management/managementGroups/"+a[0], a[1:])
		}),
	}
}

// ids is a function of strings that makes an id.
func ids(name string, least int, make func(*frame, []string) (string, error)) special {
	return eager(name, "Resource", least, functions.Any, func(f *frame, a []any) (any, error) {
		texts := []string{}
		for i, v := range a {
			s, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("argument %d must be a string, it is %s", i+1, functions.Kind(v))
			}
			texts = append(texts, s)
		}
		return make(f, texts)
	})
}

// resourceID makes an id: up to two of subscription and group, a type, names.
func resourceID(f *frame, a []string) (string, error) {
	at := 0
	for at < len(a) && !strings.Contains(a[at], "/") {
		at++
	}
	if at > 2 || at >= len(a) {
		return "", errors.New("a type such as Microsoft.Network/virtualNetworks is missing")
	}
	subscription, group := f.env.subscription(), f.env.group()
	switch {
	case at == 2:
		subscription, group = a[0], a[1]
	case at == 1 && group == "" && isGUID(a[0]):
		subscription = a[0]
	case at == 1:
		group = a[0]
	}
	scope := "/subscriptions/" + subscription
	if group != "" && !arm.EqualFold(strings.Trim(a[at], "/"), groupType) {
		scope += "/resourceGroups/" + group
	}
	return typed(scope, a[at:])
}

func isGUID(s string) bool {
	return len(s) == 36 && strings.Count(s, "-") == 4
}

// typed is an id at a scope, of a type and a name for each segment of it.
func typed(scope string, a []string) (string, error) {
	segments := strings.Split(strings.Trim(a[0], "/"), "/")
	if len(segments) < 2 || len(segments) != len(a) {
		return "", fmt.Errorf("the type '%s' needs as many names as it has segments after its namespace: %d, not %d", a[0], len(segments)-1, len(a)-1)
	}
	id := scope + "/providers/" + segments[0]
	for i, s := range segments[1:] {
		id += "/" + s + "/" + a[i+1]
	}
	return id, nil
}

// resourceSpecials are the functions of resources and their providers.
func resourceSpecials() []special {
	const group = "Resource"
	return []special{
		eager("reference", group, 1, 3, reference),
		eager("references", group, 1, 2, references),
		eager("resourceInfo", group, 1, 1, func(f *frame, a []any) (any, error) {
			name, _ := a[0].(string)
			for _, r := range f.symbols(name) {
				return value.NewObject("id", r.ID, "name", r.Name, "type", r.Type, "apiVersion", r.APIVersion), nil
			}
			return nil, fmt.Errorf("the resource '%s' is not defined in the template", functions.Text(a[0]))
		}),
		eager("providers", group, 1, 2, func(f *frame, a []any) (any, error) {
			namespace, ok := a[0].(string)
			resourceType := ""
			if len(a) > 1 {
				resourceType, ok = a[1].(string)
			}
			if !ok || f.env.Provider == nil {
				return nil, errors.New("a namespace and a type are expected")
			}
			return f.env.Provider(namespace, resourceType)
		}),
		eager("pickZones", group, 3, 5, pickZones),
		eager("toLogicalZone", group, 3, 3, func(f *frame, a []any) (any, error) { return zone(f, a, logical) }),
		eager("toPhysicalZone", group, 3, 3, func(f *frame, a []any) (any, error) { return zone(f, a, physical) }),
		eager("toLogicalZones", group, 3, 3, func(f *frame, a []any) (any, error) { return zones(f, a, logical) }),
		eager("toPhysicalZones", group, 3, 3, func(f *frame, a []any) (any, error) { return zones(f, a, physical) }),
	}
}

func reference(f *frame, a []any) (any, error) {
	name, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("the first argument must be a string, it is %s", functions.Kind(a[0]))
	}
	if !f.live {
		return nil, errRuntime
	}
	id, version, err := f.target(name)
	if err != nil {
		return nil, err
	}
	full := false
	for i, v := range a[1:] {
		s, ok := v.(string)
		switch {
		case v == nil || s == "":
		case !ok:
			return nil, fmt.Errorf("argument %d must be a string, it is %s", i+2, functions.Kind(v))
		case arm.EqualFold(s, "Full"):
			full = true
		case i == 0:
			version = s
		default:
			return nil, fmt.Errorf("the third argument must be 'Full', it is '%s'", s)
		}
	}
	if version == "" {
		return nil, fmt.Errorf("the api-version of '%s' is missing, which the template does not deploy", name)
	}
	return f.env.Reference(id, version, full)
}

// references reads all resources of a loop.
func references(f *frame, a []any) (any, error) {
	name, _ := a[0].(string)
	full := len(a) > 1 && arm.EqualFold(functions.Text(a[1]), "Full")
	if len(a) > 1 && !full && functions.Text(a[1]) != "Properties" && functions.Text(a[1]) != "" {
		return nil, fmt.Errorf("the second argument must be 'Full' or 'Properties', it is '%s'", functions.Text(a[1]))
	}
	if !f.symbolic {
		return nil, errors.New("it needs languageVersion 2.0")
	}
	if !f.live {
		return nil, errRuntime
	}
	all := []any{}
	for _, r := range f.symbols(name) {
		v, err := f.env.Reference(r.ID, r.APIVersion, full)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// list does an action such as listKeys: resource, api-version, body.
func (f *frame) list(function string, a []any) (any, error) {
	if len(a) < 1 || len(a) > 3 {
		return nil, errors.New("a resource, an api-version, and perhaps a body are expected")
	}
	name, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("the first argument must be a string, it is %s", functions.Kind(a[0]))
	}
	if !f.live {
		return nil, errRuntime
	}
	id, version, err := f.target(name)
	if err != nil {
		return nil, err
	}
	if len(a) > 1 {
		if version, ok = a[1].(string); !ok {
			return nil, fmt.Errorf("the api-version must be a string, it is %s", functions.Kind(a[1]))
		}
	}
	if version == "" {
		return nil, fmt.Errorf("the api-version of '%s' is missing, which the template does not deploy", name)
	}
	var body *value.Object
	if len(a) > 2 && a[2] != nil {
		if body, ok = a[2].(*value.Object); !ok {
			return nil, fmt.Errorf("the body must be an object, it is %s", functions.Kind(a[2]))
		}
	}
	return f.env.List(function, id, version, body)
}

// zonal are the types that can be in a zone.
var zonal = map[string]bool{
	"microsoft.compute/virtualmachines": true, "microsoft.compute/virtualmachinescalesets": true, "microsoft.compute/disks": true,
	"microsoft.network/publicipaddresses": true, "microsoft.network/natgateways": true, "microsoft.network/loadbalancers": true,
}

func pickZones(f *frame, a []any) (any, error) {
	texts := [3]string{}
	for i := range texts {
		s, ok := a[i].(string)
		if !ok {
			return nil, fmt.Errorf("argument %d must be a string, it is %s", i+1, functions.Kind(a[i]))
		}
		texts[i] = s
	}
	numbers := [2]int64{1, 0}
	for i, v := range a[3:] {
		n, ok := v.(int64)
		if !ok {
			return nil, fmt.Errorf("argument %d must be an integer, it is %s", i+4, functions.Kind(v))
		}
		numbers[i] = n
	}
	if !zonal[strings.ToLower(texts[0]+"/"+texts[1])] {
		return nil, fmt.Errorf("whether the type '%s/%s' has zones is not known here", texts[0], texts[1])
	}
	n, err := zonesOf(f, texts[2])
	if err != nil {
		return nil, err
	}
	count, offset := numbers[0], numbers[1]
	if count < 1 || offset < 0 || count+offset > int64(n) {
		return nil, fmt.Errorf("the region '%s' has %d zones; %d zones after %d others are asked for", texts[2], n, count, offset)
	}
	all := []any{}
	for i := range count {
		all = append(all, strconv.FormatInt(offset+i+1, 10))
	}
	return all, nil
}

func zonesOf(f *frame, region string) (int, error) {
	if f.env.Zones != nil {
		if n, ok := f.env.Zones(region); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("the region '%s' is not known", region)
}

func regionName(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }

// physical is the name of a zone in a region, logical the number of a name; empty if
// there is none.
func physical(region, zone string, n int) string {
	if i, err := strconv.Atoi(zone); err == nil && i >= 1 && i <= n {
		return regionName(region) + "-az" + zone
	}
	return ""
}

func logical(region, zone string, n int) string {
	number, ok := strings.CutPrefix(zone, regionName(region)+"-az")
	if !ok || physical(region, number, n) == "" {
		return ""
	}
	return number
}

func zone(f *frame, a []any, convert func(region, zone string, n int) string) (any, error) {
	region, ok := a[1].(string)
	name, ok2 := a[2].(string)
	if !ok || !ok2 {
		return nil, errors.New("a subscription, a region and a zone are expected")
	}
	n, err := zonesOf(f, region)
	return convert(region, name, n), err
}

func zones(f *frame, a []any, convert func(region, zone string, n int) string) (any, error) {
	list, ok := a[2].([]any)
	if !ok {
		return nil, fmt.Errorf("an array of zones is expected, not %s", functions.Kind(a[2]))
	}
	all := []any{}
	for _, one := range list {
		v, err := zone(f, []any{a[0], a[1], one}, convert)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

package cloud

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// demand is what a call needs permission for: an action at a scope. An empty
// action needs none.
type demand struct{ action, scope string }

// demanded follows ARM's rules: the type and read, write, delete, or the name of
// the action of a POST.
func (a *Azure) demanded(call *resources.Call) (demand, error) {
	segments := resources.Segments(strings.ToLower(call.Path))
	if open(call.Method, segments) {
		return demand{}, nil
	}
	if d, ok := ofSubscription(call.Method, segments); ok {
		return d, nil
	}
	id, err := resources.Parse(call.Path)
	if err != nil {
		return demand{}, err
	}
	scope := call.Path
	if id.Collection() {
		scope = id.Parent()
	}
	name := id.Type()
	if arm.EqualFold(id.Namespace, "Microsoft.Resources") && (arm.EqualFold(id.Types[0], "resourceGroups")) {
		name = "Microsoft.Resources/subscriptions/" + strings.Join(id.Types, "/")
	}
	return demand{a.Engine.Canonical(name) + verb(call.Method), scope}, nil
}

// verb is how an action on a type ends.
func verb(method string) string {
	switch method {
	case http.MethodPut, http.MethodPatch:
		return "/write"
	case http.MethodDelete:
		return "/delete"
	case http.MethodPost:
		return "/action"
	}
	return "/read"
}

// ofSubscription knows the paths directly below a subscription that are no types.
func ofSubscription(method string, segments []string) (demand, bool) {
	if len(segments) < 3 || segments[0] != "subscriptions" {
		return demand{}, false
	}
	subscription := "/subscriptions/" + segments[1]
	switch {
	case segments[2] == "providers" && len(segments) <= 4 && method == http.MethodGet:
		return demand{"Microsoft.Resources/subscriptions/providers/read", subscription}, true
	case segments[2] == "providers" && len(segments) == 5 && method == http.MethodPost:
		return demand{segments[3] + "/" + segments[4] + "/action", subscription}, true
	case segments[2] == "providers" && segments[3] == "microsoft.features" && method == http.MethodGet:
		return demand{"Microsoft.Features/providers/features/read", subscription}, true
	case segments[2] != "providers" && segments[2] != "resourcegroups":
		return demand{"Microsoft.Resources/subscriptions/" + segments[2] + verb(method), subscription}, true
	}
	return demand{}, false
}

// open reports whether every principal of the tenant may make a call.
func open(method string, segments []string) bool {
	n := len(segments)
	switch {
	case "/"+strings.Join(segments, "/") == strings.ToLower(resourceGraph):
		return true
	case method != http.MethodGet && method != http.MethodHead:
		return false
	case segments[0] == "tenants", segments[0] == "subscriptions" && n == 1, segments[0] == "providers":
		return true // lists show what the caller may see; roles and providers are no secret
	case segments[n-1] == "permissions":
		return true // each caller may read its own
	case n == 4 && segments[2] == "operationresults", n > 2 && segments[n-2] == "operationstatuses":
		return true // the client that began an operation may follow it; others do not know its id
	}
	// The client that began an operation may follow it; no other knows its id.
	return n == 8 && segments[4] == "locations" && slices.Contains([]string{"operations", "operationresults", "operationsstatus", "operationstatuses"}, segments[6])
}

// permit refuses what the caller has no role for, or is denied.
func (a *Azure) permit(ctx context.Context, call *resources.Call) error {
	d, err := a.demanded(call)
	if err != nil || d.action == "" || call.Caller == (resources.Caller{}) {
		return err
	}
	decision, err := a.Access.Decide(ctx, call.Caller.ObjectID, d.action, d.scope, false)
	switch {
	case err != nil:
		return err
	case decision.Denied:
		return resources.Refuse(http.StatusForbidden, "DenyAssignmentAuthorizationFailed",
			"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, the access is denied because of the deny assignment with name '%s' and Id '%s' at scope '%s'.",
			call.Caller.AppID, call.Caller.ObjectID, d.action, d.scope, decision.Deny.Text("denyAssignmentName"), decision.Deny.Name, decision.Deny.Text("scope"))
	case !decision.Allowed:
		return a.unauthorised(call, d)
	}
	return a.linked(ctx, call, d)
}

func (a *Azure) unauthorised(call *resources.Call, d demand) error {
	return resources.Refuse(http.StatusForbidden, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		call.Caller.AppID, call.Caller.ObjectID, d.action, d.scope)
}

// joins are the actions needed to refer to a resource of another one, by type.
func joins() map[string]string {
	return map[string]string{
		"microsoft.network/virtualnetworks/subnets":           "Microsoft.Network/virtualNetworks/subnets/join/action",
		"microsoft.network/networksecuritygroups":             "Microsoft.Network/networkSecurityGroups/join/action",
		"microsoft.network/routetables":                       "Microsoft.Network/routeTables/join/action",
		"microsoft.network/natgateways":                       "Microsoft.Network/natGateways/join/action",
		"microsoft.network/publicipaddresses":                 "Microsoft.Network/publicIPAddresses/join/action",
		"microsoft.network/networkinterfaces":                 "Microsoft.Network/networkInterfaces/join/action",
		"microsoft.network/loadbalancers/backendaddresspools": "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
		"microsoft.compute/diskencryptionsets":                "Microsoft.Compute/diskEncryptionSets/read",
		"microsoft.managedidentity/userassignedidentities":    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
	}
}

// linked refuses new references to resources that the caller may not join.
func (a *Azure) linked(ctx context.Context, call *resources.Call, d demand) error {
	if call.Method != http.MethodPut && call.Method != http.MethodPatch || call.Body == nil {
		return nil
	}
	before := map[string]bool{}
	if old, found, err := a.Engine.Find(ctx, call.Path); err == nil && found {
		references(old.Shown(), before)
	}
	after := map[string]bool{}
	references(call.Body, after)
	actions := joins()
	for reference := range after {
		id, err := resources.Parse(reference)
		if err != nil || before[reference] || strings.HasPrefix(reference, resources.Key(call.Path)+"/") || reference == resources.Key(call.Path) {
			continue
		}
		action := actions[id.Type()]
		if action == "" {
			continue
		}
		allowed, _, err := a.Access.Check(ctx, call.Caller.ObjectID, action, reference)
		if err != nil {
			return err
		}
		if !allowed {
			return resources.Refuse(http.StatusForbidden, "LinkedAuthorizationFailed",
				"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, it does not have permission to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) are invalid.",
				call.Caller.AppID, call.Caller.ObjectID, d.action, d.scope, action, reference)
		}
	}
	return nil
}

// references collects the ids of resources that a value holds, in lower case: as
// "id" of an object, or as key of the user-assigned identities. What a resource
// only reports of others is no reference when it is sent back.
func references(value any, found map[string]bool) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			references(e, found)
		}
	case map[string]any:
		for name, e := range v {
			if name == "effectiveOutboundIps" {
				continue
			}
			if id, ok := e.(string); ok && name == "id" {
				found[resources.Key(id)] = true
			}
			if name == "userAssignedIdentities" {
				for id := range resources.Object(e) {
					found[resources.Key(id)] = true
				}
			}
			references(e, found)
		}
	}
}

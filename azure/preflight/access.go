package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	checkaccess "github.com/Azure/checkaccess-v2-go-sdk/client"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
)

// kind is the kind of a subject's identity.
type kind int

const (
	theService kind = iota
	servicePrincipal
	operator
	clusterIdentity
)

// subject is an identity whose permissions are checked.
type subject struct {
	kind kind
	// who names it in messages, such as "The service principal x".
	who  string
	code arm.Code
	// token is the identity's own; objectID is used if there is none.
	token, objectID string
	// only are the actions in its roles; nil for all. An operator needs no action
	// that is in none of its roles.
	only []string
}

// resource is a resource that must be usable, and the actions that each kind of
// identity needs on it.
type resource struct {
	id, target string
	needs      map[kind][]string
	// absent is the code if it does not exist.
	absent arm.Code
}

const (
	vnets   = "Microsoft.Network/virtualNetworks/"
	subnets = vnets + "subnets/"
	routes  = "Microsoft.Network/routeTables/"
	nats    = "Microsoft.Network/natGateways/"
	nsgs    = "Microsoft.Network/networkSecurityGroups/"
	disks   = "Microsoft.Compute/diskEncryptionSets/"
)

func all(prefix string) []string {
	return []string{prefix + "join/action", prefix + "read", prefix + "write"}
}

// same returns equal needs for the service principal and the operators.
func same(customer, service []string) map[kind][]string {
	return map[kind][]string{servicePrincipal: customer, operator: customer, theService: service}
}

// resources returns all resources on which identities need permissions.
func (r *run) resources() []resource {
	var list []resource
	for _, n := range r.readable() {
		list = append(list, resource{n.id, "", same(all(vnets), []string{vnets + "read"}), arm.InvalidLinkedVNet})
	}
	seen := map[string]bool{}
	add := func(id string, absent arm.Code, needs map[kind][]string) {
		if key := arm.ToLower(id); id != "" && !seen[key] {
			seen[key] = true
			list = append(list, resource{id, "", needs, absent})
		}
	}
	for _, p := range r.uniquePlaces() {
		s, _ := r.subnet(p.id)
		if s == nil || s.Properties == nil {
			continue
		}
		add(p.id, arm.InvalidLinkedSubnet, same(all(subnets), all(subnets)))
		if t := s.Properties.RouteTable; t != nil {
			add(value(t.ID), arm.InvalidLinkedRouteTable, same(all(routes), []string{routes + "join/action", routes + "read"}))
		}
		if g := s.Properties.NatGateway; g != nil {
			add(value(g.ID), arm.InvalidLinkedNatGateway, same(all(nats), []string{nats + "join/action"}))
		}
		if r.preconfigured() {
			add(securityGroupID(s), arm.NotFound, same([]string{nsgs + "join/action"}, []string{nsgs + "join/action", nsgs + "read"}))
		}
	}
	for _, set := range r.encryptionSets() {
		list = append(list, resource{set.id, set.target, same([]string{disks + "read"}, []string{disks + "read"}), arm.InvalidLinkedDiskEncryptionSet})
	}
	return list
}

func securityGroupID(s *armnetwork.Subnet) string {
	if s.Properties.NetworkSecurityGroup == nil {
		return ""
	}
	return value(s.Properties.NetworkSecurityGroup.ID)
}

// permissions returns the checks of every identity on every resource.
func (r *run) permissions() []check {
	var checks []check
	for _, s := range r.subjects {
		for _, on := range r.resources() {
			if s.kind == clusterIdentity {
				continue
			}
			if actions := s.concerned(on.needs[s.kind]); len(actions) > 0 {
				checks = append(checks, r.permission(s, on, actions))
			}
		}
		if s.kind == clusterIdentity {
			for _, name := range r.operators() {
				on := resource{id: r.operator(name).ResourceID, absent: arm.InvalidPlatformWorkloadIdentity}
				checks = append(checks, r.permission(s, on, s.only))
			}
		}
	}
	return checks
}

// concerned returns the actions that are in the subject's roles.
func (s subject) concerned(actions []string) []string {
	if s.only == nil {
		return actions
	}
	var some []string
	for _, a := range actions {
		if slices.ContainsFunc(s.only, func(pattern string) bool { return matches(pattern, a) }) {
			some = append(some, a)
		}
	}
	return some
}

// matches reports whether an action matches a pattern of a role, which may have
// stars.
func matches(pattern, action string) bool {
	parts := strings.Split(arm.ToLower(pattern), "*")
	action = arm.ToLower(action)
	if !strings.HasPrefix(action, parts[0]) {
		return false
	}
	action = action[len(parts[0]):]
	if len(parts) == 1 {
		return action == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(action, part)
		if !found {
			return false
		}
		action = after
	}
	return strings.HasSuffix(action, parts[len(parts)-1])
}

// permission checks which actions the subject may not do on a resource. Role
// assignments take time to take effect.
func (r *run) permission(s subject, on resource, actions []string) check {
	return func(ctx context.Context, found *report) {
		client, err := r.azure.CheckAccess(r.c.Location)
		if err != nil {
			found.err = err
			return
		}
		request, err := s.request(client, on.id, actions)
		if err != nil {
			found.err = fmt.Errorf("permissions of %s: %w", s.who, err)
			return
		}
		missing, err := refusedActions(ctx, client, request, actions)
		switch {
		case azure.NotFound(err):
			found.add(on.absent, on.target, "The resource %q does not exist. Create it, or do without it.", on.id)
		case err != nil:
			found.explain(err, r.about)
		case len(missing) > 0:
			found.addPassing(s.code.At(on.target, "%s may not do %s on %q. Assign it a role that allows this.", s.who, strings.Join(missing, ", "), on.id), long)
		}
	}
}

// request returns a request about a subject: with its token, which contains its
// groups, or by id.
func (s subject) request(client checkaccess.RemotePDPClient, resourceID string, actions []string) (*checkaccess.AuthorizationRequest, error) {
	if s.token != "" {
		return client.CreateAuthorizationRequest(resourceID, actions, s.token)
	}
	request := &checkaccess.AuthorizationRequest{
		Subject:  checkaccess.SubjectInfo{Attributes: checkaccess.SubjectAttributes{ObjectId: s.objectID, ClaimName: checkaccess.GroupExpansion}},
		Resource: checkaccess.ResourceInfo{Id: resourceID},
	}
	for _, a := range actions {
		request.Actions = append(request.Actions, checkaccess.ActionInfo{Id: a})
	}
	return request, nil
}

// refusedActions returns the actions that are denied, or missing in the response.
func refusedActions(ctx context.Context, client checkaccess.RemotePDPClient, request *checkaccess.AuthorizationRequest, actions []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	answer, err := client.CheckAccess(ctx, *request)
	if err != nil {
		return nil, err
	}
	allowed := map[string]bool{}
	for _, d := range answer.Value {
		allowed[arm.ToLower(d.ActionId)] = d.AccessDecision == checkaccess.Allowed
	}
	var missing []string
	for _, a := range actions {
		if !allowed[arm.ToLower(a)] {
			missing = append(missing, a)
		}
	}
	return missing, nil
}

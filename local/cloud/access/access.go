// Package access decides who may do what in the local Azure: role definitions,
// role and deny assignments, and the check of an action against them. It gives
// the engine the behaviour of their types and answers the CheckAccess data plane.
//
// It knows principals only by their object ids; tokens are not its business.
package access

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// The types that this package gives behaviour.
const (
	definitionType     = "Microsoft.Authorization/roleDefinitions"
	assignmentType     = "Microsoft.Authorization/roleAssignments"
	denyAssignmentType = "Microsoft.Authorization/denyAssignments"
)

// Well-known roles.
const (
	Owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	// ResourceProvider is the role of the service's first party in subscriptions
	// that registered the service.
	ResourceProvider = "640c5ac9-6f32-4891-94f4-d20f7aa9a7e6"
	Contributor      = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	Reader           = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

// The actions of the ARO roles are those that Azure publishes, as catalogues of its
// built-in roles showed them in 2025 (azure-rbac-catalog.org, azadvertizer.net); for
// the cloud controller manager, those that Azure/ARO-HCP defines for development.
// Not confirmed are those of the machine API and file storage operators, and the two
// roles of the service itself.
//
//go:embed roles.json
var rolesJSON []byte

// role is a role definition that every Azure has.
type role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	permission
}

// permission is a set of actions, with exceptions.
type permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
}

// Principals returns the type of the principal with an object id ("ServicePrincipal", "User", …).
type Principals func(ctx context.Context, objectID string) (kind string, found bool, err error)

// Access checks against what an engine keeps.
type Access struct {
	engine     *resources.Engine
	principals Principals
	builtIn    map[string]role // by id
}

// New gives the engine the types of Microsoft.Authorization.
func New(engine *resources.Engine, principals Principals) (*Access, error) {
	a := &Access{engine: engine, principals: principals, builtIn: map[string]role{}}
	var roles []role
	if err := json.Unmarshal(rolesJSON, &roles); err != nil {
		return nil, fmt.Errorf("roles.json: %w", err)
	}
	for _, r := range roles {
		if _, twice := a.builtIn[r.ID]; twice {
			return nil, fmt.Errorf("roles.json: role %s is there twice", r.ID)
		}
		a.builtIn[r.ID] = r
	}
	engine.Register(definitionType, a.definitions())
	engine.Register(assignmentType, a.assignments())
	engine.Register(denyAssignmentType, a.denials())
	engine.Name("Microsoft.Authorization/permissions", "Microsoft.Authorization/locks")
	engine.Register("Microsoft.Authorization/permissions", resources.Behaviour{List: a.listPermissions})
	return a, nil
}

// Decision is the outcome of a check, and the assignment that made it.
type Decision struct {
	Allowed bool
	// Denied by Deny, as opposed to a missing role assignment.
	Denied bool
	// Role and Deny are the ids of the assignments that decided, if any.
	Role, Deny *resources.Resource
}

// Check reports whether a principal may do an action at a scope, and if not, why.
// Whether it is a data action follows from its name.
func (a *Access) Check(ctx context.Context, principal, action, scope string) (allowed bool, why string, err error) {
	d, err := a.Decide(ctx, principal, action, scope, IsData(action))
	switch {
	case err != nil:
		return false, "", err
	case d.Denied:
		return false, fmt.Sprintf("access is denied by the deny assignment '%s'", d.Deny.Text("denyAssignmentName")), nil
	case !d.Allowed:
		return false, fmt.Sprintf("no role assignment grants '%s' over scope '%s'", action, scope), nil
	}
	return true, "", nil
}

// Decide is Check with all that there is to know.
func (a *Access) Decide(ctx context.Context, principal, action, scope string, data bool) (Decision, error) {
	var d Decision
	denials, err := a.above(ctx, scope, denyAssignmentType)
	if err != nil {
		return d, err
	}
	for _, r := range denials {
		if denies(r, principal, action, scope, data) {
			d.Denied, d.Deny = true, r
			return d, nil
		}
	}
	assignments, err := a.above(ctx, scope, assignmentType)
	if err != nil {
		return d, err
	}
	for _, r := range assignments {
		if !arm.EqualFold(r.Text("principalId"), principal) {
			continue
		}
		permissions, _, err := a.permissions(ctx, r.Text("roleDefinitionId"))
		if err != nil {
			return d, err
		}
		for _, p := range permissions {
			if p.grants(action, data) {
				d.Allowed, d.Role = true, r
				return d, nil
			}
		}
	}
	return d, nil
}

// above are the resources of a type at a scope and at those that contain it.
func (a *Access) above(ctx context.Context, scope, resourceType string) ([]*resources.Resource, error) {
	segments := resources.Segments(scope)
	var all []*resources.Resource
	for n := 0; n <= len(segments); n += 2 {
		at := ""
		if n > 0 {
			at = "/" + strings.Join(segments[:n], "/")
		}
		some, err := a.at(ctx, at, resourceType)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// at are the resources of a type at exactly one scope.
func (a *Access) at(ctx context.Context, scope, resourceType string) ([]*resources.Resource, error) {
	return a.engine.Below(ctx, scope+"/providers/"+resourceType, resourceType)
}

// IsData reports whether an action is a data action, not one of the resource manager.
func IsData(action string) bool {
	action = strings.ToLower(action)
	if strings.Contains(action, "/blobservices/containers/blobs/") {
		return true
	}
	rest, ok := strings.CutPrefix(action, "microsoft.keyvault/vaults/")
	if !ok {
		return false
	}
	object, verb, nested := strings.Cut(rest, "/")
	switch object {
	case "secrets", "keys", "certificates", "certificatecas", "certificatecontacts":
		// The resource manager can read and write secrets and keys, nothing else.
		return nested && (verb != "read" && verb != "write" || strings.HasPrefix(object, "certificate"))
	}
	return false
}

func (p permission) grants(action string, data bool) bool {
	if data {
		return matchAny(p.DataActions, action) && !matchAny(p.NotDataActions, action)
	}
	return matchAny(p.Actions, action) && !matchAny(p.NotActions, action)
}

func matchAny(patterns []string, action string) bool {
	for _, p := range patterns {
		if match(strings.ToLower(p), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// match reports whether text is pattern with something for each of its stars.
func match(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !strings.HasPrefix(text, first) {
		return false
	}
	if text = text[len(first):]; !star {
		return text == ""
	}
	for parts := strings.Split(rest, "*"); ; parts = parts[1:] {
		if len(parts) == 1 {
			return strings.HasSuffix(text, parts[0])
		}
		i := strings.Index(text, parts[0])
		if i < 0 {
			return false
		}
		text = text[i+len(parts[0]):]
	}
}

// denies reports whether a deny assignment holds for the principal and action.
func denies(r *resources.Resource, principal, action, scope string, data bool) bool {
	if only, _ := r.Get("doNotApplyToChildScopes").(bool); only && resources.Key(r.Text("scope")) != resources.Key(scope) {
		return false
	}
	if !names(r.Get("principals"), principal) || names(r.Get("excludePrincipals"), principal) {
		return false
	}
	for _, p := range permissionsOf(r) {
		if p.grants(action, data) {
			return true
		}
	}
	return false
}

// everyone is the principal that stands for all.
const everyone = "00000000-0000-0000-0000-000000000000"

func names(principals any, principal string) bool {
	for _, p := range resources.Objects(principals) {
		if id, _ := p["id"].(string); id == everyone || arm.EqualFold(id, principal) {
			return true
		}
	}
	return false
}

// permissionsOf reads the permissions of a definition or deny assignment.
func permissionsOf(r *resources.Resource) []permission {
	var permissions []permission
	for _, m := range resources.Objects(r.Get("permissions")) {
		permissions = append(permissions, permission{
			Actions: texts(m["actions"]), NotActions: texts(m["notActions"]),
			DataActions: texts(m["dataActions"]), NotDataActions: texts(m["notDataActions"]),
		})
	}
	return permissions
}

func texts(v any) []string {
	values, _ := v.([]any)
	found := []string{}
	for _, e := range values {
		if s, ok := e.(string); ok {
			found = append(found, s)
		}
	}
	return found
}

package access

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// assignments is the behaviour of role assignments.
func (a *Access) assignments() resources.Behaviour {
	return resources.Behaviour{Stateless: true, Echoes: true, Put: a.putAssignment, List: a.listAssignments, Show: showAssignment, Missing: func(id resources.ID) error {
		return resources.Refuse(http.StatusNotFound, "RoleAssignmentNotFound", "The role assignment '%s' is not found.", id.Name())
	}}
}

// showAssignment shows null for absent members of an assignment.
func showAssignment(_ context.Context, r *resources.Resource, _ url.Values) error {
	r.Etag = ""
	for _, member := range []string{"condition", "conditionVersion", "delegatedManagedIdentityResourceId", "description"} {
		if r.Get(member) == nil {
			r.Properties[member] = nil
		}
	}
	return nil
}

// timeFormat is how Microsoft.Authorization writes times.
const timeFormat = "2006-01-02T15:04:05.0000000Z"

func (a *Access) putAssignment(ctx context.Context, c *resources.Change) error {
	r := c.New
	if _, err := uuid.Parse(r.Name); err != nil {
		return resources.Refuse(http.StatusBadRequest, "InvalidRoleAssignmentId", "The role assignment ID '%s' is not valid. The role assignment ID must be a GUID.", r.Name)
	}
	principal := r.Text("principalId")
	if _, err := uuid.Parse(principal); err != nil {
		return resources.Refuse(http.StatusBadRequest, "InvalidPrincipalId", "A valid principal ID must be provided for role assignment.")
	}
	scope := scopeOf(r)
	guid := guidOf(r.Text("roleDefinitionId"))
	_, known, err := a.permissions(ctx, "/subscriptions/"+resources.Subscription(r.ID)+"/providers/"+definitionType+"/"+guid)
	if err != nil {
		return err
	}
	if !known {
		return resources.Refuse(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", guid)
	}
	kind, found, err := a.principals(ctx, principal)
	if err != nil {
		return err
	}
	if !found {
		return resources.Refuse(http.StatusBadRequest, "PrincipalNotFound", "Principal %s does not exist in the directory. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.", strings.ReplaceAll(principal, "-", ""))
	}
	if given := r.Text("principalType"); given != "" && !arm.EqualFold(given, kind) {
		return resources.Refuse(http.StatusBadRequest, "UnmatchedPrincipalType", "The PrincipalId '%s' has type '%s', which is different from specified PrincipalType '%s'.", strings.ReplaceAll(principal, "-", ""), kind, given)
	}
	if c.Old != nil && (!arm.EqualFold(c.Old.Text("principalId"), principal) || guidOf(c.Old.Text("roleDefinitionId")) != guid) {
		return resources.Refuse(http.StatusBadRequest, "RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
	}
	if err := a.unique(ctx, r, scope, guid); err != nil {
		return err
	}
	// Clients write the type in the singular, too; ARM does not keep that.
	definition := "/providers/" + definitionType + "/" + guid
	if s := resources.Subscription(scope); s != "" {
		definition = "/subscriptions/" + s + definition
	}
	now := time.Now().UTC().Format(timeFormat)
	r.Set(definition, "roleDefinitionId")
	r.Set(scope, "scope")
	r.Set(kind, "principalType")
	r.Set(now, "updatedOn")
	r.Set(now, "createdOn")
	r.Set(c.Call.Caller.ObjectID, "createdBy")
	if c.Old != nil {
		r.Set(c.Old.Get("createdOn"), "createdOn")
		r.Set(c.Old.Get("createdBy"), "createdBy")
	}
	r.Set(c.Call.Caller.ObjectID, "updatedBy")
	return nil
}

// scopeOf is what an extension resource extends; "/" for the tenant.
func scopeOf(r *resources.Resource) string {
	id, err := resources.Parse(r.ID)
	if err != nil || id.Scope == "" {
		return "/"
	}
	return id.Scope
}

// unique refuses a second assignment of the same role to the same principal.
func (a *Access) unique(ctx context.Context, r *resources.Resource, scope, guid string) error {
	existing, err := a.at(ctx, strings.TrimSuffix(scope, "/"), assignmentType)
	if err != nil {
		return err
	}
	for _, e := range existing {
		if !arm.EqualFold(e.Name, r.Name) && arm.EqualFold(e.Text("principalId"), r.Text("principalId")) && guidOf(e.Text("roleDefinitionId")) == guid {
			return resources.Refuse(http.StatusConflict, "RoleAssignmentExists", "The role assignment already exists. The ID of the existing role assignment is %s.", strings.ReplaceAll(e.Name, "-", ""))
		}
	}
	return nil
}

// listAssignments lists those at, above and below a scope; $filter narrows it.
func (a *Access) listAssignments(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	return a.listExtensions(ctx, call, assignmentType)
}

func (a *Access) listExtensions(ctx context.Context, call *resources.Call, resourceType string) (*resources.Answer, error) {
	filter, err := resources.ParseFilter(call.Query.Get("$filter"))
	if err != nil {
		return nil, err
	}
	id, err := resources.Parse(call.Path)
	if err != nil {
		return nil, err
	}
	if id.Scope != "" {
		if _, err := a.engine.Get(ctx, id.Scope); err != nil {
			return nil, err
		}
	}
	all, err := a.above(ctx, id.Scope, resourceType)
	if err != nil {
		return nil, err
	}
	below, err := a.engine.Below(ctx, id.Scope, resourceType)
	if err != nil {
		return nil, err
	}
	value, seen := []any{}, map[string]bool{}
	for _, r := range append(all, below...) {
		if seen[r.ID] || !filter.Matches(assignmentFields(r, id.Scope)) {
			continue
		}
		seen[r.ID] = true
		if err := showAssignment(ctx, r, nil); err != nil {
			return nil, err
		}
		value = append(value, r.Shown())
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{"value": value}}, nil
}

func assignmentFields(r *resources.Resource, scope string) resources.Fields {
	return resources.Fields{
		Values: func(field string) []string {
			for _, known := range []string{"principalId", "principalType", "roleDefinitionId", "denyAssignmentName"} {
				if arm.EqualFold(known, field) {
					return []string{r.Text(known)}
				}
			}
			return nil
		},
		Call: func(function string, arguments []string) bool {
			switch strings.ToLower(function) {
			case "atscope":
				own := resources.Key(scopeOf(r))
				return own == "" || resources.Key(scope) == own || strings.HasPrefix(resources.Key(scope), own+"/")
			case "assignedto":
				return len(arguments) == 1 && arm.EqualFold(arguments[0], r.Text("principalId"))
			}
			return false
		},
	}
}

// listPermissions returns the caller's permissions at a scope.
func (a *Access) listPermissions(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	id, err := resources.Parse(call.Path)
	if err != nil {
		return nil, err
	}
	if _, err := a.engine.Get(ctx, id.Scope); err != nil {
		return nil, err
	}
	assignments, err := a.above(ctx, id.Scope, assignmentType)
	if err != nil {
		return nil, err
	}
	value := []any{}
	for _, r := range assignments {
		if !arm.EqualFold(r.Text("principalId"), call.Caller.ObjectID) {
			continue
		}
		permissions, _, err := a.permissions(ctx, r.Text("roleDefinitionId"))
		if err != nil {
			return nil, err
		}
		for _, p := range permissions {
			value = append(value, p.shown())
		}
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{"value": value}}, nil
}

// denials is the behaviour of deny assignments.
func (a *Access) denials() resources.Behaviour {
	return resources.Behaviour{
		Stateless: true,
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Etag = ""
			return nil
		},
		List: func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
			return a.listExtensions(ctx, call, denyAssignmentType)
		},
		Put: func(_ context.Context, c *resources.Change) error {
			if len(resources.Objects(c.New.Get("principals"))) == 0 || len(permissionsOf(c.New)) == 0 {
				return resources.Refuse(http.StatusBadRequest, "InvalidDenyAssignment", "A deny assignment needs principals and permissions.")
			}
			for _, p := range resources.Objects(c.New.Get("excludePrincipals")) {
				if id, _ := p["id"].(string); uuid.Validate(id) != nil || id == everyone {
					return resources.Refuse(http.StatusBadRequest, "NullOrInvalidGuidExcludePrincipalId", "The exclude principal id is null or not a GUID.")
				}
			}
			c.New.Set(scopeOf(c.New), "scope")
			return nil
		},
	}
}

// Assign grants a role to a principal at a scope, as the local Azure itself. It
// may be repeated.
func (a *Access) Assign(ctx context.Context, principal, role, scope string) error {
	name := uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ToLower(scope+"|"+role+"|"+principal))).String()
	_, err := a.engine.Create(ctx, strings.TrimSuffix(scope, "/")+"/providers/"+assignmentType+"/"+name, map[string]any{"properties": map[string]any{
		"principalId": principal, "roleDefinitionId": "/providers/" + definitionType + "/" + role,
	}})
	if err != nil && resources.AsError(err).Code == "RoleAssignmentExists" {
		return nil
	}
	return err
}

package access

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// definitions is the behaviour of role definitions: those of all Azures, and
// those that customers make.
func (a *Access) definitions() resources.Behaviour {
	return resources.Behaviour{
		Stateless: true,
		Echoes:    true,
		Created:   http.StatusCreated,
		Put:       a.putDefinition,
		InUse:     a.definitionInUse,
		Read:      a.readDefinition,
		List:      a.listDefinitions,
		Show:      showDefinition,
	}
}

func showDefinition(_ context.Context, r *resources.Resource, _ url.Values) error {
	r.Etag = ""
	if r.Get("description") == nil {
		r.Properties["description"] = nil
	}
	return nil
}

func (a *Access) putDefinition(_ context.Context, c *resources.Change) error {
	if _, err := uuid.Parse(c.New.Name); err != nil {
		return resources.Refuse(http.StatusBadRequest, "InvalidRoleDefinitionId", "The role definition ID '%s' is not valid. It must be a GUID.", c.New.Name)
	}
	if _, ok := a.builtIn[strings.ToLower(c.New.Name)]; ok {
		return resources.Refuse(http.StatusBadRequest, "RoleDefinitionIsBuiltIn", "The role definition '%s' cannot be changed.", c.New.Name)
	}
	if c.New.Text("roleName") == "" || len(permissionsOf(c.New)) == 0 || len(texts(c.New.Get("assignableScopes"))) == 0 {
		return resources.Refuse(http.StatusBadRequest, "InvalidRoleDefinition", "A role definition needs roleName, permissions and assignableScopes.")
	}
	c.New.Set("CustomRole", "type")
	permissions := []any{}
	for _, p := range permissionsOf(c.New) {
		permissions = append(permissions, p.shown())
	}
	c.New.Set(permissions, "permissions")
	now := time.Now().UTC().Format(timeFormat)
	for member, value := range map[string]string{"createdOn": now, "createdBy": c.Call.Caller.ObjectID, "updatedOn": now, "updatedBy": c.Call.Caller.ObjectID} {
		c.New.Set(value, member)
	}
	if c.Old != nil {
		c.New.Set(c.Old.Get("createdOn"), "createdOn")
		c.New.Set(c.Old.Get("createdBy"), "createdBy")
	}
	return nil
}

func (a *Access) definitionInUse(ctx context.Context, r *resources.Resource) error {
	subscription := "/subscriptions/" + resources.Subscription(r.ID)
	assignments, err := a.engine.Below(ctx, subscription, assignmentType)
	if err != nil {
		return err
	}
	for _, one := range assignments {
		if arm.EqualFold(guidOf(one.Text("roleDefinitionId")), r.Name) {
			return resources.Refuse(http.StatusBadRequest, "RoleDefinitionHasAssignments", "There are existing role assignments referencing role '%s'.", r.Name)
		}
	}
	return nil
}

func (a *Access) readDefinition(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	id, err := resources.Parse(call.Path)
	if err != nil {
		return nil, err
	}
	if r, ok := a.builtIn[strings.ToLower(id.Name())]; ok {
		return &resources.Answer{Status: http.StatusOK, Body: r.shown(id.Scope)}, nil
	}
	r, err := a.custom(ctx, resources.Subscription(call.Path), id.Name())
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, resources.Refuse(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", id.Name())
	}
	err = showDefinition(ctx, r, nil)
	return &resources.Answer{Status: http.StatusOK, Body: r.Shown()}, err
}

// custom finds a definition of a customer, nil if there is none.
func (a *Access) custom(ctx context.Context, subscription, name string) (*resources.Resource, error) {
	if subscription == "" {
		return nil, nil
	}
	all, err := a.engine.Below(ctx, "/subscriptions/"+subscription, definitionType)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if arm.EqualFold(r.Name, name) {
			return r, nil
		}
	}
	return nil, nil
}

// builtInSince is the creation time of the built-in roles.
const builtInSince = "2015-02-02T21:55:09.8806423Z"

// AtSubscription returns the path of a role definition, which is stored below the subscription
// whatever scope it is written at.
func AtSubscription(path string) string {
	id, err := resources.Parse(path)
	if err != nil || !arm.EqualFold(id.Type(), definitionType) || id.Collection() || resources.Group(path) == "" {
		return path
	}
	return "/subscriptions/" + resources.Subscription(path) + "/providers/" + definitionType + "/" + id.Name()
}

// shown is a built-in role as ARM shows it.
func (r role) shown(scope string) map[string]any {
	path := "/providers/" + definitionType + "/" + r.ID
	if s := resources.Subscription(scope); s != "" {
		path = "/subscriptions/" + s + path
	}
	return map[string]any{"id": path, "name": r.ID, "type": definitionType, "properties": map[string]any{
		"roleName": r.Name, "description": r.Description, "type": "BuiltInRole", "assignableScopes": []string{"/"},
		"permissions": []any{r.permission.shown()},
		"createdOn":   builtInSince, "updatedOn": builtInSince, "createdBy": nil, "updatedBy": nil,
	}}
}

// shown has empty lists rather than none.
func (p permission) shown() map[string]any {
	full := func(s []string) []string { return append([]string{}, s...) }
	return map[string]any{
		"actions": full(p.Actions), "notActions": full(p.NotActions),
		"dataActions": full(p.DataActions), "notDataActions": full(p.NotDataActions),
	}
}

func (a *Access) listDefinitions(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	filter, err := resources.ParseFilter(call.Query.Get("$filter"))
	if err != nil {
		return nil, err
	}
	id, err := resources.Parse(call.Path)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, r := range a.builtIn {
		all = append(all, r.shown(id.Scope))
	}
	slices.SortFunc(all, func(x, y map[string]any) int { return strings.Compare(x["name"].(string), y["name"].(string)) })
	if s := resources.Subscription(id.Scope); s != "" {
		customs, err := a.engine.Below(ctx, "/subscriptions/"+s, definitionType)
		if err != nil {
			return nil, err
		}
		for _, r := range customs {
			if err := showDefinition(ctx, r, nil); err != nil {
				return nil, err
			}
			all = append(all, r.Shown())
		}
	}
	value := []any{}
	for _, body := range all {
		values := func(field string) []string {
			properties := resources.Object(body["properties"])
			switch strings.ToLower(field) {
			case "rolename":
				return []string{properties["roleName"].(string)}
			case "type":
				return []string{properties["type"].(string)}
			}
			return nil
		}
		if filter.Matches(resources.Fields{Values: values, Call: scopeFunctions}) {
			value = append(value, body)
		}
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{"value": value}}, nil
}

// scopeFunctions are conditions that every definition meets.
func scopeFunctions(function string, _ []string) bool {
	return arm.EqualFold(function, "atScope") || arm.EqualFold(function, "atScopeAndBelow")
}

// permissions of the role that an id names, and whether there is one.
func (a *Access) permissions(ctx context.Context, definition string) ([]permission, bool, error) {
	guid := guidOf(definition)
	if r, ok := a.builtIn[guid]; ok {
		return []permission{r.permission}, true, nil
	}
	r, err := a.custom(ctx, resources.Subscription(definition), guid)
	if err != nil || r == nil {
		return nil, false, err
	}
	return permissionsOf(r), true, nil
}

func guidOf(definition string) string {
	return strings.ToLower(definition[strings.LastIndex(definition, "/")+1:])
}

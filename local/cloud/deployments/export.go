package deployments

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// exportDeployment answers with the template of a deployment.
func exportDeployment(_ context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	kept, _ := r.Local["template"].(string)
	v, err := value.Parse(kept, value.Strict)
	if err != nil {
		return nil, resources.Refuse(http.StatusNotFound, "DeploymentTemplateNotFound", "The template of the deployment '%s' is not kept.", r.Name)
	}
	return map[string]any{"template": v}, nil
}

// readOnly are members that resources show and that callers do not write.
var readOnly = []string{"id", "etag", "type", "systemData", "provisioningState", "resourceGuid", "uniqueId", "creationTime", "createdTime", "changedTime", "managedBy"}

// exportGroup answers with a template of resources of a group.
func (d *Deployments) exportGroup(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	group := resources.GroupID(call.Path)
	if _, err := d.Engine.Get(ctx, group); err != nil {
		return nil, err
	}
	body := value.FromObject(call.Body)
	wanted := body.List("resources")
	if len(wanted) == 0 {
		return nil, resources.Refuse(http.StatusBadRequest, "ExportTemplateInvalidRequest", "The resources to export are missing: give their ids, or '*' for all.")
	}
	e := &export{parameters: &value.Object{}, literal: strings.Contains(body.Text("options"), "SkipResourceNameParameterization") || strings.Contains(body.Text("options"), "SkipAllParameterization"),
		defaults: strings.Contains(body.Text("options"), "IncludeParameterDefaultValue")}
	all, err := d.others(ctx, group+"/providers/"+deploymentType+"/x", func(id string) bool {
		return !slices.ContainsFunc(wanted, func(w any) bool { s, _ := w.(string); return s == "*" || armtemplate.Same(s, id) })
	})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		version := d.version(r.Type)
		shown, err := d.get(ctx, r.ID, version, senderOf(call))
		if err != nil {
			return nil, err
		}
		e.add(r, version, shown)
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{"template": e.template()}}, nil
}

// version is the newest api-version of a type.
func (d *Deployments) version(resourceType string) string {
	namespace, kind, _ := strings.Cut(resourceType, "/")
	if d.Provider != nil {
		if v, err := d.Provider(context.Background(), namespace, kind); err == nil {
			if versions := value.FromObject(v).List("apiVersions"); len(versions) > 0 {
				s, _ := versions[0].(string)
				return s
			}
		}
	}
	return removalVersion
}

type export struct {
	parameters        *value.Object
	literal, defaults bool
	resources         []*exported
}

type exported struct {
	*resources.Resource
	parameter, version string
	shown              *value.Object
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9]+`)

func (e *export) add(r *resources.Resource, version string, shown *value.Object) {
	one := &exported{Resource: r, version: version, shown: shown}
	if !e.literal {
		one.parameter = r.Type[strings.LastIndex(r.Type, "/")+1:] + "_" + notWord.ReplaceAllString(r.Name, "_") + "_name"
		parameter := value.NewObject("type", "String")
		if e.defaults {
			parameter = value.NewObject("defaultValue", r.Name, "type", "String")
		}
		e.parameters.Set(one.parameter, parameter)
	}
	e.resources = append(e.resources, one)
}

func (e *export) template() *value.Object {
	list := []any{}
	for _, one := range e.resources {
		o := value.NewObject("type", one.Type, "apiVersion", one.version, "name", e.name(one))
		var after []any
		for name, v := range one.shown.All() {
			if name != "name" && !slices.Contains(readOnly, name) {
				o.Set(name, e.clean(v, one, &after))
			}
		}
		if len(after) > 0 {
			o.Set("dependsOn", after)
		}
		list = append(list, o)
	}
	return value.NewObject("$schema", "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#", "contentVersion", "1.0.0.0",
		"parameters", e.parameters, "variables", value.NewObject(), "resources", list)
}

func (e *export) name(one *exported) string {
	if one.parameter == "" {
		return one.Name
	}
	return "[parameters('" + one.parameter + "')]"
}

// clean omits read-only members, and refers to exported resources by expressions.
func (e *export) clean(v any, of *exported, after *[]any) any {
	switch v := v.(type) {
	case *value.Object:
		o := &value.Object{}
		for name, m := range v.All() {
			id, reference := m.(string)
			own := name == "id" && reference && (!strings.HasPrefix(id, "/") || strings.HasPrefix(arm.ToLower(id), arm.ToLower(of.ID)+"/"))
			if slices.Contains(readOnly, name) && (name != "id" || own) {
				continue
			}
			o.Set(name, e.clean(m, of, after))
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, m := range v {
			list[i] = e.clean(m, of, after)
		}
		return list
	case string:
		for _, other := range e.resources {
			if other == of || !arm.EqualFold(v, other.ID) {
				continue
			}
			name := "'" + other.Name + "'"
			if other.parameter != "" {
				name = "parameters('" + other.parameter + "')"
			}
			text := "[resourceId('" + other.Type + "', " + name + ")]"
			if !slices.Contains(*after, any(text)) {
				*after = append(*after, text)
			}
			return text
		}
		if strings.HasPrefix(v, "[") {
			return "[" + v
		}
	}
	return v
}

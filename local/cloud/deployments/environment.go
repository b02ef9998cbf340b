package deployments

import (
	"context"
	"errors"
	"net/http"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// evaluate reads the template in the surroundings of the deployment.
func (d *Deployments) evaluate(ctx context.Context, id string, q *request, by sender) (*armtemplate.Template, error) {
	env, err := d.environment(ctx, id, q, by)
	if err != nil {
		return nil, err
	}
	return evaluateIn(env, q)
}

func evaluateIn(env *armtemplate.Environment, q *request) (*armtemplate.Template, error) {
	t, err := armtemplate.New(q.template, q.parameters, env)
	if refusal := (*resources.Error)(nil); errors.As(err, &refusal) {
		return nil, refusal
	}
	if armtemplate.Runtime(err) {
		return nil, err
	}
	if err != nil {
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "%v", err)
	}
	return t, nil
}

func (d *Deployments) environment(ctx context.Context, id string, q *request, by sender) (*armtemplate.Environment, error) {
	subscription := resources.Subscription(id)
	env := &armtemplate.Environment{
		Subscription: value.NewObject("id", "/subscriptions/"+subscription, "subscriptionId", subscription, "tenantId", d.Tenant, "displayName", subscription,
			"state", "Enabled", "authorizationSource", "RoleBased", "managedByTenants", []any{}),
		Tenant:    value.NewObject("id", "/tenants/"+d.Tenant, "tenantId", d.Tenant, "countryCode", "US", "displayName", "Local"),
		Deployer:  value.NewObject("objectId", by.ObjectID, "tenantId", d.Tenant, "userPrincipalName", ""),
		Cloud:     value.FromObject(d.Cloud),
		Now:       d.Now(),
		Reference: func(id, version string, full bool) (any, error) { return d.reference(ctx, id, version, full, by) },
		List: func(function, id, version string, body *value.Object) (any, error) {
			if arm.EqualFold(function, "listOutputsWithSecureValues") {
				return d.secureOutputs(ctx, id, version, by)
			}
			answer, err := d.call(ctx, by, http.MethodPost, usual(id)+"/"+function, at(version), body)
			if err != nil {
				return nil, err
			}
			return loose(answer.Body)
		},
		Provider: func(namespace, kind string) (any, error) {
			if d.Provider == nil {
				return nil, errors.New("providers are not known")
			}
			v, err := d.Provider(ctx, namespace, kind)
			return value.From(v), err
		},
		Zones:  d.Zones,
		Secret: func(vault, name, version string) (string, error) { return d.secret(ctx, vault, name, version, by) },
	}
	if shown, err := d.Engine.Shown(ctx, "/subscriptions/"+subscription); err == nil {
		if name := value.FromObject(shown).Map("properties").Text("displayName"); name != "" {
			env.Subscription.Set("displayName", name)
		}
	}
	env.Deployment = d.itself(ctx, id, q)
	if group := resources.GroupID(id); group != "" {
		shown, err := d.Engine.Shown(ctx, group)
		if err != nil {
			return nil, err
		}
		env.Group = value.FromObject(shown)
	}
	return env, nil
}

// itself is what deployment() returns.
func (d *Deployments) itself(ctx context.Context, id string, q *request) *value.Object {
	properties := value.NewObject()
	if q.link != nil {
		properties.Set("templateLink", q.link)
	}
	properties.Set("template", q.template)
	properties.Set("templateHash", q.hash())
	parameters := q.parameters
	if parameters == nil {
		parameters = &value.Object{}
	}
	properties.Set("parameters", parameters)
	properties.Set("mode", q.mode)
	properties.Set("provisioningState", accepted)
	deployment := value.NewObject("name", lastOf(id), "properties", properties)
	if resources.GroupID(id) == "" {
		location := ""
		if r, found, err := d.Engine.Find(ctx, id); err == nil && found {
			location = r.Location
		}
		if q.location != "" {
			location = q.location
		}
		deployment.Set("location", location)
	}
	return deployment
}

// usual is the path of an id: groups have two forms.
func usual(id string) string {
	s := resources.Segments(id)
	if len(s) == 6 && arm.EqualFold(s[2], "providers") && arm.EqualFold(s[3]+"/"+s[4], resources.GroupType) {
		return "/subscriptions/" + s[1] + "/resourceGroups/" + s[5]
	}
	return id
}

func (d *Deployments) reference(ctx context.Context, id, version string, full bool, by sender) (any, error) {
	body, err := d.get(ctx, id, version, by)
	if err != nil {
		return nil, err
	}
	if !full {
		v, _ := body.Find("properties")
		if v == nil {
			return &value.Object{}, nil
		}
		return v, nil
	}
	s := resources.Segments(usual(id))
	more := body.Clone()
	more.Set("apiVersion", version)
	more.Set("subscriptionId", resources.Subscription(id))
	if len(s) > 3 {
		more.Set("resourceGroupName", resources.Group(id))
	}
	more.Set("resourceId", id)
	return more, nil
}

// secureOutputs are all outputs of a deployment by their names, which only the deployment
// around it may read.
func (d *Deployments) secureOutputs(ctx context.Context, id, version string, by sender) (any, error) {
	if _, err := d.get(ctx, id, version, by); err != nil {
		return nil, err
	}
	r, err := d.Engine.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	all := &value.Object{}
	for _, name := range []string{"outputs", "secureOutputs"} {
		text, _ := r.Local[name].(string)
		v, err := value.Parse(text, value.Strict)
		if err != nil {
			continue // it has none
		}
		outputs, _ := v.(*value.Object)
		for output, v := range outputs.All() {
			if shown, ok := v.(*value.Object); ok && name == "outputs" {
				var has bool
				if v, has = shown.Find("value"); !has {
					continue
				}
			}
			all.Set(output, v)
		}
	}
	return all, nil
}

func (d *Deployments) secret(ctx context.Context, vault, name, version string, by sender) (string, error) {
	shown, err := d.Engine.Shown(ctx, vault)
	if err != nil {
		return "", resources.Refuse(http.StatusBadRequest, "KeyVaultParameterReferenceNotFound", "The key vault '%s' that a parameter refers to is not found.", vault)
	}
	if resources.Object(shown["properties"])["enabledForTemplateDeployment"] != true {
		return "", resources.Refuse(http.StatusBadRequest, "KeyVaultParameterReferenceSecretRetrieveFailed", "The key vault '%s' is not enabled for template deployment. Please see https://aka.ms/arm-keyvault for usage details.", vault)
	}
	err = d.Permit(ctx, &resources.Call{Method: http.MethodPost, Path: vault + "/deploy", Header: http.Header{}, Caller: by.Caller})
	if err != nil {
		return "", err
	}
	secret, err := d.Secret(ctx, lastOf(vault), name, version)
	if err != nil {
		return "", resources.Refuse(http.StatusBadRequest, "KeyVaultParameterReferenceSecretRetrieveFailed", "The secret '%s' of the key vault '%s' cannot be read: %v.", name, vault, err)
	}
	return secret, nil
}

func (d *Deployments) get(ctx context.Context, id, version string, by sender) (*value.Object, error) {
	answer, err := d.call(ctx, by, http.MethodGet, usual(id), at(version), nil)
	if err != nil {
		return nil, err
	}
	v, err := loose(answer.Body)
	o, _ := v.(*value.Object)
	return o, err
}

// Package armtemplates writes the ARM templates with which the service is deployed: what a
// region consists of, how it is called, and what depends on what. They are checked in
// below deploy/assets, and this package is their source.
//
// Its functions are pure. When a template is deployed, and with which parameters, is the
// business of package deploy.
package armtemplates

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The API versions of the resources.
const (
	authorizationAPI = "2022-04-01"
	computeAPI       = "2024-03-01"
	databaseAPI      = "2024-05-15"
	dnsAPI           = "2018-05-01"
	identityAPI      = "2023-01-31"
	insightsAPI      = "2018-03-01"
	actionGroupAPI   = "2023-01-01"
	networkAPI       = "2023-11-01"
	registryAPI      = "2023-07-01"
	storageAPI       = "2023-01-01"
	vaultAPI         = "2023-07-01"
)

// Values of members that a template may take from a parameter: then the member is the
// text of an expression in place of a number, a boolean, or a list.
type (
	// Int is an int or an expression.
	Int = any
	// Bool is a bool or an expression.
	Bool = any
	// Strings is a []string or an expression.
	Strings = any
)

// Template is an ARM template.
type Template struct {
	Schema         string               `json:"$schema"`
	ContentVersion string               `json:"contentVersion"`
	Parameters     map[string]Parameter `json:"parameters"`
	Resources      []Resource           `json:"resources"`
	Outputs        map[string]Output    `json:"outputs,omitempty"`
}

// Parameter of a template.
type Parameter struct {
	Type         string   `json:"type"`
	DefaultValue any      `json:"defaultValue,omitempty"`
	Metadata     Metadata `json:"metadata"`
}

// Metadata describes a parameter.
type Metadata struct {
	Description string `json:"description"`
}

// Output of a deployment.
type Output struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Resource is one entry of a template.
type Resource struct {
	Condition  string    `json:"condition,omitempty"`
	Type       string    `json:"type"`
	APIVersion string    `json:"apiVersion"`
	Name       string    `json:"name"`
	Scope      string    `json:"scope,omitempty"`
	Location   string    `json:"location,omitempty"`
	SKU        *SKU      `json:"sku,omitempty"`
	Kind       string    `json:"kind,omitempty"`
	Identity   *Identity `json:"identity,omitempty"`
	Zones      Strings   `json:"zones,omitempty"`
	DependsOn  []string  `json:"dependsOn,omitempty"`
	Properties any       `json:"properties,omitempty"`
}

// SKU of a resource.
type SKU struct {
	Name     string `json:"name"`
	Tier     string `json:"tier,omitempty"`
	Capacity Int    `json:"capacity,omitempty"`
}

// Identity of a resource.
type Identity struct {
	Type                   string              `json:"type"`
	UserAssignedIdentities map[string]struct{} `json:"userAssignedIdentities,omitempty"`
}

// Ref refers to another resource.
type Ref struct {
	ID string `json:"id"`
}

// The names of the templates, in the order in which a region is deployed.
const (
	Subscription = "subscription"
	Identities   = "identities"
	Global       = "global"
	Replication  = "replication"
	Network      = "network"
	Vaults       = "vaults"
	Region       = "region"
	ScaleSet     = "scaleset"
	Records      = "records"
)

// Names lists the templates in the order in which a region is deployed.
func Names() []string {
	return []string{Subscription, Identities, Global, Replication, Network, Vaults, Region, ScaleSet, Records}
}

// All makes every template, by name.
func All() map[string]*Template {
	return map[string]*Template{
		Subscription: subscription(), Identities: identities(), Global: global(), Replication: replication(), Network: network(),
		Vaults: vaults(), Region: region(), ScaleSet: scaleSet(), Records: records(),
	}
}

// JSON is the template as it is checked in.
func (t *Template) JSON() ([]byte, error) {
	content, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return append(content, '\n'), nil
}

// newTemplate makes a template that has the parameter location.
func newTemplate(resources ...Resource) *Template {
	t := &Template{
		Schema:         "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
		ContentVersion: "1.0.0.0", Parameters: map[string]Parameter{}, Resources: resources, Outputs: map[string]Output{},
	}
	t.Parameters["location"] = Parameter{Type: "string", DefaultValue: "[resourceGroup().location]", Metadata: Metadata{"Azure region of the resources."}}
	return t
}

// text adds a required parameter.
func (t *Template) text(name, description string) *Template {
	return t.parameter(name, "string", nil, description)
}

func (t *Template) parameter(name, kind string, byDefault any, description string) *Template {
	t.Parameters[name] = Parameter{Type: kind, DefaultValue: byDefault, Metadata: Metadata{description}}
	return t
}

func (t *Template) output(name, value string) *Template {
	t.Outputs[name] = Output{Type: "string", Value: value}
	return t
}

const here = "[parameters('location')]"

// param is the expression for the value of a parameter.
func param(name string) string { return "[parameters('" + name + "')]" }

// resourceID is the expression for the id of a resource in the template's group. A name
// that is itself an expression is written as one.
func resourceID(kind string, names ...string) string { return "[" + idOf(kind, names...) + "]" }

func idOf(kind string, names ...string) string {
	parts := []string{"'" + kind + "'"}
	for _, name := range names {
		parts = append(parts, inner(name))
	}
	return "resourceId(" + strings.Join(parts, ", ") + ")"
}

// inner formats a value for use within an expression.
func inner(value string) string {
	if strings.HasPrefix(value, "[") {
		return strings.TrimSuffix(strings.TrimPrefix(value, "["), "]")
	}
	return "'" + value + "'"
}

// join is the expression for the concatenation of values.
func join(values ...string) string {
	parts := make([]string, len(values))
	for i, value := range values {
		parts[i] = inner(value)
	}
	return "[concat(" + strings.Join(parts, ", ") + ")]"
}

// Package template builds the ARM templates of a cluster's Azure resources: their
// properties, names and dependencies. Its functions are pure. Package
// backend/cluster deploys the templates.
//
// Ids within the managed resource group are literal, so that a template is
// readable; expressions are used only for values that Azure generates.
package template

import (
	"fmt"
	"strings"
)

// The API versions of the resources.
const (
	storageAPI        = "2021-09-01"
	networkAPI        = "2020-08-01"
	computeAPI        = "2020-12-01"
	roleAssignmentAPI = "2018-09-01-preview"
	denyAssignmentAPI = "2018-07-01-preview"
)

type object = map[string]any

type list = []any

// Cluster has the properties that every template needs.
type Cluster struct {
	// GroupID is the managed resource group, which has all resources.
	GroupID  string
	Location string
	// InfraID is the prefix of the names of resources for machines.
	InfraID string
	// Zones of load balancers' addresses; machines use the first three.
	Zones []string
	// PublicAPI and PublicIngress are true if the API server and the routes are
	// public; PublicOutbound if the cluster's load balancer is for outbound
	// traffic.
	PublicAPI, PublicIngress, PublicOutbound bool
	MasterSubnetID                           string
}

// document returns a whole template.
func document(parameters object, resources list) object {
	return object{
		"$schema":        "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
		"contentVersion": "1.0.0.0",
		"parameters":     parameters,
		"resources":      resources,
	}
}

// resource returns one entry of a template, with its properties and more members.
func (c *Cluster) resource(kind, version, name string, properties object) object {
	return object{
		"type": kind, "apiVersion": version, "name": name,
		"location": strings.ToLower(c.Location), "properties": properties,
	}
}

// id returns the id of a resource in the managed group.
func (c *Cluster) id(kind string, name ...string) string {
	provider, types, _ := strings.Cut(kind, "/")
	var b strings.Builder
	fmt.Fprintf(&b, "%s/providers/%s", c.GroupID, provider)
	for i, t := range strings.Split(types, "/") {
		fmt.Fprintf(&b, "/%s/%s", t, name[i])
	}
	return b.String()
}

// name returns the name of a resource for machines.
func (c *Cluster) name(suffix string) string { return c.InfraID + suffix }

// zoned sets the zones of a resource, if there are any.
func (c *Cluster) zoned(o object) object {
	if len(c.Zones) > 0 {
		o["zones"] = c.Zones
	}
	return o
}

func ref(id string) object { return object{"id": id} }

func refs(ids ...string) list {
	l := make(list, 0, len(ids))
	for _, id := range ids {
		l = append(l, ref(id))
	}
	return l
}

// The resource types that are used more than once.
const (
	accountKind      = "Microsoft.Storage/storageAccounts"
	containerKind    = "Microsoft.Storage/storageAccounts/blobServices/containers"
	groupKind        = "Microsoft.Network/networkSecurityGroups"
	balancerKind     = "Microsoft.Network/loadBalancers"
	publicIPKind     = "Microsoft.Network/publicIPAddresses"
	linkServiceKind  = "Microsoft.Network/privateLinkServices"
	interfaceKind    = "Microsoft.Network/networkInterfaces"
	machineKind      = "Microsoft.Compute/virtualMachines"
	roleAssignedKind = "Microsoft.Authorization/roleAssignments"
	denyKind         = "Microsoft.Authorization/denyAssignments"
)

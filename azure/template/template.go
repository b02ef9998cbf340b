// Package template makes the ARM templates of a cluster's Azure resources: what
// there is, how it is called and what depends on what. Its functions are pure;
// who deploys a template, and when, is package cluster's business.
//
// Ids within the managed resource group are written out, so that a template can
// be read; expressions stand only where Azure alone knows the value.
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

// Cluster is what every template needs to know of a cluster.
type Cluster struct {
	// GroupID is the managed resource group; everything stands in it.
	GroupID  string
	Location string
	// InfraID begins the names of all that belongs to the machines.
	InfraID string
	// Zones of load balancers' addresses; of machines the first three.
	Zones []string
	// PublicAPI and PublicIngress say who reaches the API server and the routes;
	// PublicOutbound that a load balancer of ours is the way out.
	PublicAPI, PublicIngress, PublicOutbound bool
	MasterSubnetID                           string
}

// document is a whole template.
func document(parameters object, resources list) object {
	return object{
		"$schema":        "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
		"contentVersion": "1.0.0.0",
		"parameters":     parameters,
		"resources":      resources,
	}
}

// resource is one entry of a template; its properties and what is beside them
// come as more.
func (c *Cluster) resource(kind, version, name string, properties object) object {
	return object{
		"type": kind, "apiVersion": version, "name": name,
		"location": strings.ToLower(c.Location), "properties": properties,
	}
}

// id of a resource in the managed group.
func (c *Cluster) id(kind string, name ...string) string {
	provider, types, _ := strings.Cut(kind, "/")
	var b strings.Builder
	fmt.Fprintf(&b, "%s/providers/%s", c.GroupID, provider)
	for i, t := range strings.Split(types, "/") {
		fmt.Fprintf(&b, "/%s/%s", t, name[i])
	}
	return b.String()
}

// name of something that belongs to the machines.
func (c *Cluster) name(suffix string) string { return c.InfraID + suffix }

// zones as templates want them: absent where there are none.
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

// The kinds that are named more than once.
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

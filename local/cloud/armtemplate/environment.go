package armtemplate

import (
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// Environment is what a template is evaluated in.
type Environment struct {
	// Subscription, Group, Deployment, Cloud, Tenant and Deployer are what the functions
	// of those names return. Group is nil at the scope of a subscription.
	Subscription, Group, Deployment, Cloud, Tenant, Deployer *value.Object
	// Now is the time of utcNow.
	Now time.Time
	// Reference reads the present state of a resource: all of it if full is set, otherwise its
	// properties.
	Reference func(id, apiVersion string, full bool) (any, error)
	// List does a list* action of a resource.
	List func(function, id, apiVersion string, body *value.Object) (any, error)
	// Provider describes a resource type, or all of a namespace if that is empty.
	Provider func(namespace, resourceType string) (any, error)
	// Zones are how many availability zones a region has; false if there is no such region.
	Zones func(region string) (int, bool)
	// Secret reads a secret of a key vault for a parameter.
	Secret func(vault, name, version string) (string, error)
	// NewGUID makes random identifiers; nil is uuid.NewString.
	NewGUID func() string
}

func (e *Environment) newGUID() string {
	if e.NewGUID != nil {
		return e.NewGUID()
	}
	return uuid.NewString()
}

// subscription is the id of the subscription around the deployment.
func (e *Environment) subscription() string { return e.Subscription.Text("subscriptionId") }

// group is the name of the resource group around the deployment, empty if there is none.
func (e *Environment) group() string { return e.Group.Text("name") }

package proof

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// firstParty is the service's application in every cloud.
const firstParty = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"

// The roles that customers give, and the api-versions of what is called plainly.
const (
	networkContributor  = "4d97b98b-1d4f-4787-a291-c67834d212e7"
	federatedCredential = "ef318e2a-8334-4a05-9e4a-295a196c6a6e"

	resourcesAPI     = "2024-11-01"
	networkAPI       = "2024-05-01"
	authorizationAPI = "2022-04-01"
	identityAPI      = "2024-11-30"

	// newestAPI is the first stable api-version with workload identities.
	newestAPI = "2025-07-25"
)

// m is JSON's object.
type m = map[string]any

// order is what a customer wants.
type order struct {
	name     string
	workload bool // identities in place of a service principal
	private  bool
	workers  int // 3 if zero
}

// customer is what a cluster stands on, and the cluster as requested.
type customer struct {
	*environment
	order
	body        m      // of newestAPI
	application string // object id of the application, of a service principal
	network     string
}

func (c *customer) group() string {
	return "/subscriptions/" + c.SubscriptionID + "/resourceGroups/" + c.name
}

func (c *customer) managedGroup() string { return c.group() + "-managed" }

func (c *customer) id() string {
	return c.group() + "/providers/Microsoft.RedHatOpenShift/openShiftClusters/" + c.name
}

const groundTimeout = 3 * time.Minute

// customer makes what the cluster stands on, as the documentation tells customers.
func (w *environment) customer(t *testing.T, o order) *customer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), groundTimeout)
	defer cancel()
	if o.workers == 0 {
		o.workers = 3
	}
	c := &customer{environment: w, order: o}
	w.want(ctx, t, http.MethodPut, c.group()+"?api-version="+resourcesAPI, m{"location": "eastus"}, nil)
	c.network = c.group() + "/providers/Microsoft.Network/virtualNetworks/vnet"
	c.put(ctx, t, c.network, networkAPI, m{"location": "eastus", "properties": m{
		"addressSpace": m{"addressPrefixes": []string{"10.0.0.0/16"}},
		"subnets": []m{
			{"name": "master", "properties": m{"addressPrefix": "10.0.0.0/24"}},
			{"name": "worker", "properties": m{"addressPrefix": "10.0.1.0/24"}},
		},
	}})
	c.assign(ctx, t, c.network, networkContributor, c.principalOf(ctx, t, firstParty))
	visibility := "Public"
	if o.private {
		visibility = "Private"
	}
	properties := m{
		"clusterProfile":   m{"domain": o.name, "resourceGroupId": c.managedGroup()},
		"networkProfile":   m{"podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16"},
		"masterProfile":    m{"vmSize": "Standard_D8s_v5", "subnetId": c.network + "/subnets/master"},
		"workerProfiles":   []m{{"name": "worker", "vmSize": "Standard_D4s_v5", "diskSizeGB": 128, "count": o.workers, "subnetId": c.network + "/subnets/worker"}},
		"apiserverProfile": m{"visibility": visibility},
		"ingressProfiles":  []m{{"name": "default", "visibility": visibility}},
	}
	c.body = m{"location": "eastus", "properties": properties}
	if o.workload {
		c.identities(ctx, t, properties)
	} else {
		c.principal(ctx, t, properties)
	}
	return c
}

// put creates or replaces a resource and waits until it is there.
func (c *customer) put(ctx context.Context, t *testing.T, id, version string, body m) {
	t.Helper()
	c.want(ctx, t, http.MethodPut, id+"?api-version="+version, body, nil)
	eventually(ctx, t, id, func() (bool, error) {
		var resource struct {
			Properties struct {
				ProvisioningState string `json:"provisioningState"`
			} `json:"properties"`
		}
		_, err := c.call(ctx, http.MethodGet, id+"?api-version="+version, nil, &resource)
		return resource.Properties.ProvisioningState == "Succeeded", err
	})
}

// assign gives a role. A principal just made may not be known yet.
func (c *customer) assign(ctx context.Context, t *testing.T, scope, role, principal string) {
	t.Helper()
	id := assignment(scope, role, principal)
	eventually(ctx, t, "assign a role on "+scope, func() (bool, error) {
		_, err := c.call(ctx, http.MethodPut, id+"?api-version="+authorizationAPI, m{"properties": m{"principalId": principal, "principalType": "ServicePrincipal",
			"roleDefinitionId": "/subscriptions/" + c.SubscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + role}}, nil)
		switch code(err) {
		case "RoleAssignmentExists":
			return true, nil
		case "PrincipalNotFound":
			return false, nil
		}
		return err == nil, err
	})
}

// assignment is the id of the role assignment that assign makes.
func assignment(scope, role, principal string) string {
	return scope + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(scope+role+principal)).String()
}

// directoryObject is an application or a service principal.
type directoryObject struct {
	ID    string `json:"id"`
	AppID string `json:"appId"`
}

func (c *customer) principalOf(ctx context.Context, t *testing.T, application string) string {
	t.Helper()
	var list struct{ Value []directoryObject }
	c.directory(ctx, t, http.MethodGet, "/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+application+"'"), nil, &list)
	if len(list.Value) != 1 {
		t.Fatalf("the directory has %d service principals of %s", len(list.Value), application)
	}
	return list.Value[0].ID
}

// principal makes the service principal that the cluster acts as.
func (c *customer) principal(ctx context.Context, t *testing.T, properties m) {
	t.Helper()
	var application, service directoryObject
	c.directory(ctx, t, http.MethodPost, "/applications", m{"displayName": "aro-" + c.name}, &application)
	c.directory(ctx, t, http.MethodPost, "/servicePrincipals", m{"appId": application.AppID}, &service)
	c.application = application.ID
	c.assign(ctx, t, c.network, networkContributor, service.ID)
	properties["servicePrincipalProfile"] = m{"clientId": application.AppID, "clientSecret": c.newSecret(ctx, t)}
}

// newSecret gives the application one more password.
func (c *customer) newSecret(ctx context.Context, t *testing.T) string {
	t.Helper()
	var password struct{ SecretText string }
	c.directory(ctx, t, http.MethodPost, "/applications/"+c.application+"/addPassword", m{"passwordCredential": m{"displayName": "cluster"}}, &password)
	return password.SecretText
}

// identities makes the identity of the cluster and of each operator, with what
// each needs outside the managed resource group.
func (c *customer) identities(ctx context.Context, t *testing.T, properties m) {
	t.Helper()
	version, roles := c.roles(ctx, t)
	cluster, clusterPrincipal := c.identity(ctx, t, "cluster")
	operators := m{}
	for operator, role := range roles {
		id, principal := c.identity(ctx, t, operator)
		operators[operator] = m{"resourceId": id}
		c.assign(ctx, t, id, federatedCredential, clusterPrincipal)
		for _, scope := range c.scopes(ctx, t, role) {
			c.assign(ctx, t, scope, path.Base(role), principal)
		}
	}
	properties["clusterProfile"].(m)["version"] = version
	properties["platformWorkloadIdentityProfile"] = m{"platformWorkloadIdentities": operators}
	c.body["identity"] = m{"type": "UserAssigned", "userAssignedIdentities": m{cluster: m{}}}
}

func (c *customer) identity(ctx context.Context, t *testing.T, name string) (id, principal string) {
	t.Helper()
	id = c.group() + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name
	var made struct{ Properties struct{ PrincipalID string } }
	c.want(ctx, t, http.MethodPut, id+"?api-version="+identityAPI, m{"location": "eastus"}, &made)
	return id, made.Properties.PrincipalID
}

// roles are the role definitions by operator of a version that is offered.
func (c *customer) roles(ctx context.Context, t *testing.T) (version string, roles map[string]string) {
	t.Helper()
	location := "/subscriptions/" + c.SubscriptionID + "/providers/Microsoft.RedHatOpenShift/locations/eastus/"
	var versions struct {
		Value []struct{ Properties struct{ Version string } }
	}
	c.want(ctx, t, http.MethodGet, location+"openshiftVersions?api-version="+newestAPI, nil, &versions)
	var sets struct {
		Value []struct {
			Properties struct {
				OpenShiftVersion              string
				PlatformWorkloadIdentityRoles []struct{ OperatorName, RoleDefinitionID string }
			}
		}
	}
	c.want(ctx, t, http.MethodGet, location+"platformWorkloadIdentityRoleSets?api-version="+newestAPI, nil, &sets)
	roles = map[string]string{}
	for _, v := range slices.Backward(versions.Value) {
		for _, set := range sets.Value {
			if strings.HasPrefix(v.Properties.Version, set.Properties.OpenShiftVersion+".") {
				for _, role := range set.Properties.PlatformWorkloadIdentityRoles {
					roles[role.OperatorName] = role.RoleDefinitionID
				}
				return v.Properties.Version, roles
			}
		}
	}
	t.Fatal("no version has a role set")
	return "", nil
}

// scopes are the customer's resources that a role is about: the network, its
// subnets, or neither.
func (c *customer) scopes(ctx context.Context, t *testing.T, role string) []string {
	t.Helper()
	var definition struct {
		Properties struct{ Permissions []struct{ Actions []string } }
	}
	c.want(ctx, t, http.MethodGet, role+"?api-version="+authorizationAPI, nil, &definition)
	const networks = "Microsoft.Network/virtualNetworks/"
	var onNetwork, onSubnets bool
	for _, permission := range definition.Properties.Permissions {
		for _, action := range permission.Actions {
			onSubnets = onSubnets || strings.HasPrefix(action, networks+"subnets/")
			onNetwork = onNetwork || strings.HasPrefix(action, networks) && !strings.HasPrefix(action, networks+"subnets/")
		}
	}
	switch {
	case onNetwork:
		return []string{c.network}
	case onSubnets:
		return []string{c.network + "/subnets/master", c.network + "/subnets/worker"}
	}
	return nil
}

// leave takes away what customer made. The cluster must be gone.
func (c *customer) leave(ctx context.Context, t *testing.T) {
	t.Helper()
	c.want(ctx, t, http.MethodDelete, c.group()+"?api-version="+resourcesAPI, nil, nil)
	eventually(ctx, t, "the group goes", func() (bool, error) {
		_, err := c.call(ctx, http.MethodGet, c.group()+"?api-version="+resourcesAPI, nil, nil)
		if missing(err) {
			return true, nil
		}
		return false, err
	})
	if c.application != "" {
		c.directory(ctx, t, http.MethodDelete, "/applications/"+c.application, nil, nil)
	}
}

// with is the body with other members of properties.
func (c *customer) with(properties m) m {
	body := maps.Clone(c.body)
	all := maps.Clone(body["properties"].(m))
	maps.Copy(all, properties)
	body["properties"] = all
	return body
}

// as reads the body into a client's type.
func as[T any](t *testing.T, body any) (value T) {
	t.Helper()
	text, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

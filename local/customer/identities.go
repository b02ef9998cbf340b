package customer

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/aro-rp/aro/clients/go/aro20250725"
)

// role is what one operator of the cluster needs.
type role struct {
	OperatorName     string `json:"operatorName"`
	RoleDefinitionID string `json:"roleDefinitionId"`
}

// roles reads which operators of the version need an identity. Without a version
// it takes the newest and puts it into the body.
func (c *Customer) roles(ctx context.Context, o Create, body *aro20250725.OpenShiftCluster) ([]role, error) {
	location := "/subscriptions/" + c.session.SubscriptionID + "/providers/Microsoft.RedHatOpenShift/locations/" + o.Location
	version := o.Version
	if version == "" {
		var versions struct {
			Value []struct {
				Properties struct {
					Version string `json:"version"`
				} `json:"properties"`
			} `json:"value"`
		}
		if _, err := c.session.Call(ctx, http.MethodGet, location+"/openshiftVersions?api-version="+clustersAPI, nil, &versions); err != nil {
			return nil, fmt.Errorf("list versions: %w", err)
		}
		for _, v := range versions.Value {
			if version == "" || semver.Compare("v"+v.Properties.Version, "v"+version) > 0 {
				version = v.Properties.Version
			}
		}
		body.Properties.ClusterProfile.Version = &version
	}
	var sets struct {
		Value []struct {
			Properties struct {
				OpenShiftVersion string `json:"openShiftVersion"`
				Roles            []role `json:"platformWorkloadIdentityRoles"`
			} `json:"properties"`
		} `json:"value"`
	}
	if _, err := c.session.Call(ctx, http.MethodGet, location+"/platformWorkloadIdentityRoleSets?api-version="+clustersAPI, nil, &sets); err != nil {
		return nil, fmt.Errorf("list role sets: %w", err)
	}
	for _, set := range sets.Value {
		if "v"+set.Properties.OpenShiftVersion == semver.MajorMinor("v"+version) {
			return set.Properties.Roles, nil
		}
	}
	return nil, fmt.Errorf("OpenShift %q has no role set", version)
}

// identities makes the identity of the cluster and of each operator, and gives
// each what it needs outside the managed resource group.
func (c *Customer) identities(ctx context.Context, o Create, network string, roles []role) (cluster string, operators map[string]string, err error) {
	cluster, clusterPrincipal, err := c.identity(ctx, o, "cluster")
	if err != nil {
		return "", nil, err
	}
	operators = map[string]string{}
	for _, r := range roles {
		id, principal, err := c.identity(ctx, o, r.OperatorName)
		if err != nil {
			return "", nil, err
		}
		operators[r.OperatorName] = id
		if err := c.assign(ctx, id, federatedCredential, clusterPrincipal); err != nil {
			return "", nil, err
		}
		scopes, err := c.scopesOf(ctx, r, network)
		if err != nil {
			return "", nil, err
		}
		for _, scope := range scopes {
			if err := c.assign(ctx, scope, path.Base(r.RoleDefinitionID), principal); err != nil {
				return "", nil, err
			}
		}
	}
	return cluster, operators, nil
}

func (c *Customer) identity(ctx context.Context, o Create, name string) (id, principal string, err error) {
	id = c.groupID(o.Group) + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + o.Name + "-" + name
	c.say("identity %s-%s", o.Name, name)
	var made struct {
		Properties struct {
			PrincipalID string `json:"principalId"`
		} `json:"properties"`
	}
	if _, err := c.session.Call(ctx, http.MethodPut, id+"?api-version="+identityAPI, map[string]any{"location": o.Location}, &made); err != nil {
		return "", "", fmt.Errorf("create the identity %s: %w", name, err)
	}
	return id, made.Properties.PrincipalID, nil
}

// scopesOf are the customer's resources that a role is about: the network, or
// only its subnets.
func (c *Customer) scopesOf(ctx context.Context, r role, network string) ([]string, error) {
	var definition struct {
		Properties struct {
			Permissions []struct {
				Actions []string `json:"actions"`
			} `json:"permissions"`
		} `json:"properties"`
	}
	if _, err := c.session.Call(ctx, http.MethodGet, r.RoleDefinitionID+"?api-version="+authorizationAPI, nil, &definition); err != nil {
		return nil, fmt.Errorf("read the role of %s: %w", r.OperatorName, err)
	}
	const networks = "Microsoft.Network/virtualNetworks/"
	var onNetwork, onSubnets bool
	for _, permission := range definition.Properties.Permissions {
		onSubnets = onSubnets || slices.ContainsFunc(permission.Actions, func(a string) bool { return strings.HasPrefix(a, networks+"subnets/") })
		onNetwork = onNetwork || slices.ContainsFunc(permission.Actions, func(a string) bool {
			return strings.HasPrefix(a, networks) && !strings.HasPrefix(a, networks+"subnets/")
		})
	}
	switch {
	case onNetwork:
		return []string{network}, nil
	case onSubnets:
		return []string{network + "/subnets/master", network + "/subnets/worker"}, nil
	}
	return nil, nil
}

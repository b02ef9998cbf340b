package customer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure/login"
)

// ownTag marks the resource groups that Create made; its value is the cluster's name.
const ownTag = "aro-local-cluster"

// The roles that clusters need, and the api-versions of what is called without a
// client of the SDK.
const (
	networkContributor  = "4d97b98b-1d4f-4787-a291-c67834d212e7"
	federatedCredential = "ef318e2a-8334-4a05-9e4a-295a196c6a6e"

	resourcesAPI     = "2024-11-01"
	networkAPI       = "2024-05-01"
	authorizationAPI = "2022-04-01"
	identityAPI      = "2024-11-30"
	clustersAPI      = "2025-07-25"
)

// foundation makes the resource group and the network, gives the service its role
// there, and returns the network's id.
func (c *Customer) foundation(ctx context.Context, o Create) (network string, err error) {
	if err := c.makeGroup(ctx, o); err != nil {
		return "", err
	}
	network = c.groupID(o.Group) + "/providers/Microsoft.Network/virtualNetworks/" + o.Name + "-vnet"
	if err := c.makeNetwork(ctx, o, network); err != nil {
		return "", err
	}
	service, err := c.principalOf(ctx, login.FirstParty)
	if err != nil {
		return "", err
	}
	if service == "" {
		return "", errors.New("the service has no principal in this tenant; register Microsoft.RedHatOpenShift first: az provider register -n Microsoft.RedHatOpenShift")
	}
	return network, c.assign(ctx, network, networkContributor, service)
}

// subnet is a subnet as Azure names and describes it.
type subnet struct {
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties"`
}

// makeNetwork creates the network, or adds missing subnets to an existing one. It never replaces a
// subnet: that would detach the security group that the service attached.
func (c *Customer) makeNetwork(ctx context.Context, o Create, network string) error {
	subnets := []subnet{
		{"master", map[string]any{"addressPrefix": "10.0.0.0/24"}},
		{"worker", map[string]any{"addressPrefix": "10.0.1.0/24"}},
	}
	var existing struct {
		Properties struct {
			Subnets []subnet `json:"subnets"`
		} `json:"properties"`
	}
	exists, err := c.read(ctx, network, networkAPI, &existing)
	if err != nil {
		return err
	}
	if !exists {
		c.say("virtual network %s-vnet", o.Name)
		return c.put(ctx, network, networkAPI, map[string]any{"location": o.Location, "properties": map[string]any{
			"addressSpace": map[string]any{"addressPrefixes": []string{"10.0.0.0/16"}}, "subnets": subnets}})
	}
	has := map[string]bool{}
	for _, s := range existing.Properties.Subnets {
		has[strings.ToLower(s.Name)] = true
	}
	for _, s := range subnets {
		if has[s.Name] {
			continue
		}
		c.say("subnet %s", s.Name)
		if err := c.put(ctx, network+"/subnets/"+s.Name, networkAPI, s); err != nil {
			return err
		}
	}
	return nil
}

type group struct {
	Tags map[string]string `json:"tags"`
}

// makeGroup refuses a group of another owner: Delete would delete it.
func (c *Customer) makeGroup(ctx context.Context, o Create) error {
	var g group
	exists, err := c.read(ctx, c.groupID(o.Group), resourcesAPI, &g)
	switch {
	case err != nil:
		return err
	case exists && g.Tags[ownTag] != o.Name:
		return fmt.Errorf("the resource group %s exists and was not created for the cluster %s; choose another with --group", o.Group, o.Name)
	case exists:
		return nil
	}
	c.say("resource group %s", o.Group)
	return c.put(ctx, c.groupID(o.Group), resourcesAPI, map[string]any{"location": o.Location, "tags": map[string]string{ownTag: o.Name}})
}

// removeGroup deletes network and identities with the group, if Create made it.
// It reports whether it did.
func (c *Customer) removeGroup(ctx context.Context, t Target) (removed bool, err error) {
	var g group
	exists, err := c.read(ctx, c.groupID(t.Group), resourcesAPI, &g)
	if err != nil || !exists {
		return false, err
	}
	if g.Tags[ownTag] != t.Name {
		c.say("the resource group %s is kept: it was not created for this cluster", t.Group)
		return false, nil
	}
	c.say("deleting the resource group %s", t.Group)
	if _, err := c.session.Call(ctx, http.MethodDelete, c.groupID(t.Group)+"?api-version="+resourcesAPI, nil, nil); err != nil {
		return false, fmt.Errorf("delete the resource group: %w", err)
	}
	return true, until(ctx, func() (bool, error) {
		exists, err := c.read(ctx, c.groupID(t.Group), resourcesAPI, nil)
		return !exists, err
	})
}

// patience bounds how long something just made may take to be known everywhere.
const patience = 3 * time.Minute

// put creates a resource and waits until it is there.
func (c *Customer) put(ctx context.Context, id, version string, body any) error {
	if _, err := c.session.Call(ctx, http.MethodPut, id+"?api-version="+version, body, nil); err != nil {
		return fmt.Errorf("create %s: %w", id, err)
	}
	return until(ctx, func() (bool, error) {
		var resource struct {
			Properties struct {
				ProvisioningState string `json:"provisioningState"`
			} `json:"properties"`
		}
		if _, err := c.session.Call(ctx, http.MethodGet, id+"?api-version="+version, nil, &resource); err != nil {
			return false, err
		}
		state := resource.Properties.ProvisioningState
		if arm.EqualFold(state, "Failed") || arm.EqualFold(state, "Canceled") {
			return false, fmt.Errorf("create %s: %s", id, state)
		}
		return state == "" || arm.EqualFold(state, "Succeeded"), nil
	})
}

// until polls at growing intervals.
func until(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// assign gives a principal a role. A principal just made may not be known yet; a
// role that it has already is fine.
func (c *Customer) assign(ctx context.Context, scope, role, principal string) error {
	id := scope + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ToLower(scope+role+principal))).String()
	body := map[string]any{"properties": map[string]any{"principalId": principal, "principalType": "ServicePrincipal",
		"roleDefinitionId": "/subscriptions/" + c.session.SubscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + role}}
	err := until(ctx, func() (bool, error) {
		_, err := c.session.Call(ctx, http.MethodPut, id+"?api-version="+authorizationAPI, body, nil)
		switch code(err) {
		case "RoleAssignmentExists":
			return true, nil
		case "PrincipalNotFound":
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("assign a role on %s: %w", scope, err)
	}
	return nil
}

func filter(member, value string) string {
	return "?$filter=" + url.PathEscape(member+" eq '"+strings.ReplaceAll(value, "'", "''")+"'")
}

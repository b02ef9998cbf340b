package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/google/uuid"

	"github.com/aro-rp/aro/hack/cluster/login"
)

// ownTag marks what this tool made; its value is the cluster's name.
const ownTag = "aro-hack-cluster"

// The roles that clusters need, and the api-versions of what is called plainly.
const (
	networkContributor  = "4d97b98b-1d4f-4787-a291-c67834d212e7"
	federatedCredential = "ef318e2a-8334-4a05-9e4a-295a196c6a6e"

	resourcesAPI     = "2024-11-01"
	networkAPI       = "2024-05-01"
	authorizationAPI = "2022-04-01"
	identityAPI      = "2024-11-30"
)

func say(format string, args ...any) { fmt.Printf("      "+format+"\n", args...) }

// foundation makes the resource group and the network, which the service may
// change, and returns the network's id.
func (c createCommand) foundation(ctx context.Context, s *login.Session) (network string, err error) {
	if err := c.makeGroup(ctx, s); err != nil {
		return "", err
	}
	network = c.groupID(s) + "/providers/Microsoft.Network/virtualNetworks/" + c.Name + "-vnet"
	say("virtual network %s-vnet", c.Name)
	if err := put(ctx, s, network, networkAPI, map[string]any{"location": c.Location, "properties": map[string]any{
		"addressSpace": map[string]any{"addressPrefixes": []string{"10.0.0.0/16"}},
		"subnets": []any{
			map[string]any{"name": "master", "properties": map[string]any{"addressPrefix": "10.0.0.0/24"}},
			map[string]any{"name": "worker", "properties": map[string]any{"addressPrefix": "10.0.1.0/24"}},
		},
	}}); err != nil {
		return "", err
	}
	service, err := principalOf(ctx, s, login.FirstParty)
	if err != nil {
		return "", err
	}
	if service == "" {
		return "", errors.New("the service has no principal in this tenant; register Microsoft.RedHatOpenShift first: az provider register -n Microsoft.RedHatOpenShift")
	}
	return network, assign(ctx, s, network, networkContributor, service)
}

type group struct {
	Tags map[string]string `json:"tags"`
}

func (t target) readGroup(ctx context.Context, s *login.Session) (g group, exists bool, err error) {
	_, err = s.Call(ctx, http.MethodGet, t.groupID(s)+"?api-version="+resourcesAPI, nil, &g)
	if missing(err) {
		return g, false, nil
	}
	return g, err == nil, err
}

// makeGroup refuses a group that is somebody else's: delete would take it away.
func (c createCommand) makeGroup(ctx context.Context, s *login.Session) error {
	g, exists, err := c.readGroup(ctx, s)
	if err != nil {
		return err
	}
	if exists && g.Tags[ownTag] != c.Name {
		return fmt.Errorf("the resource group %s exists and was not made for the cluster %s; choose another with --group", c.group(), c.Name)
	}
	say("resource group %s", c.group())
	return put(ctx, s, c.groupID(s), resourcesAPI, map[string]any{"location": c.Location, "tags": map[string]string{ownTag: c.Name}})
}

// patience bounds how long something just made may take to be known everywhere.
const patience = 3 * time.Minute

// put creates or replaces a resource and waits until it is there.
func put(ctx context.Context, s *login.Session, id, version string, body any) error {
	if _, err := s.Call(ctx, http.MethodPut, id+"?api-version="+version, body, nil); err != nil {
		return fmt.Errorf("create %s: %w", id, err)
	}
	return until(ctx, func() (bool, error) {
		var resource struct {
			Properties struct {
				ProvisioningState string `json:"provisioningState"`
			} `json:"properties"`
		}
		if _, err := s.Call(ctx, http.MethodGet, id+"?api-version="+version, nil, &resource); err != nil {
			return false, err
		}
		state := resource.Properties.ProvisioningState
		if strings.EqualFold(state, "Failed") || strings.EqualFold(state, "Canceled") {
			return false, fmt.Errorf("create %s: %s", id, state)
		}
		return state == "" || strings.EqualFold(state, "Succeeded"), nil
	})
}

// until asks again and again, ever more slowly.
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
// role it has already is fine.
func assign(ctx context.Context, s *login.Session, scope, role, principal string) error {
	id := scope + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ToLower(scope+role+principal))).String()
	body := map[string]any{"properties": map[string]any{"principalId": principal, "principalType": "ServicePrincipal",
		"roleDefinitionId": "/subscriptions/" + s.SubscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + role}}
	err := until(ctx, func() (bool, error) {
		_, err := s.Call(ctx, http.MethodPut, id+"?api-version="+authorizationAPI, body, nil)
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

// code is Azure's word for what went wrong.
func code(err error) string {
	var refused *azcore.ResponseError
	if errors.As(err, &refused) {
		return refused.ErrorCode
	}
	return ""
}

func missing(err error) bool {
	var refused *azcore.ResponseError
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}

func filter(member, value string) string {
	return "?$filter=" + url.PathEscape(member+" eq '"+strings.ReplaceAll(value, "'", "''")+"'")
}

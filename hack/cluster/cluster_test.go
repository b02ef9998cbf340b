package main

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/hack/cluster/login"
	"github.com/aro-rp/aro/hack/cluster/login/logintest"
)

// world is an Azure with some routes, entered, and what it was asked.
func world(t *testing.T, routes map[string]string) (*login.Session, *[]string) {
	t.Helper()
	azure := logintest.Start(t, routes)
	s, err := azure.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, &azure.Asked
}

const groupPath = "/subscriptions/s/resourceGroups/demo"

func TestAStrangersGroupIsNeitherTakenNorDeleted(t *testing.T) {
	c := target{Name: "demo"}
	s, asked := world(t, map[string]string{"GET " + groupPath: `{"tags":{"mine":"yes"}}`})
	if err := (createCommand{target: c}).makeGroup(t.Context(), s); err == nil || !strings.Contains(err.Error(), "--group") {
		t.Errorf("create took it: %v", err)
	}
	if err := (deleteCommand{c}).removeGroup(t.Context(), s); err != nil {
		t.Error(err)
	}
	for _, call := range *asked {
		if !strings.HasPrefix(call, "GET ") {
			t.Errorf("%s changed it", call)
		}
	}
}

func TestDeleteOfNothingSucceeds(t *testing.T) {
	s, _ := world(t, map[string]string{"GET /graph/v1.0/applications": `{"value":[]}`})
	if err := (deleteCommand{target{Name: "demo"}}).Run(t.Context(), s); err != nil {
		t.Error(err)
	}
}

func TestAFailedOperationTellsAllItsReasons(t *testing.T) {
	s, _ := world(t, map[string]string{"GET /operation": `{"status":"Failed","error":{"code":"A","message":"first","target":"x","details":[{"code":"B","message":"second"}]}}`})
	err := follow(t.Context(), s, "/operation")
	if err == nil || err.Error() != "the operation ended as Failed\n  A: first (x)\n    B: second" {
		t.Errorf("got %v", err)
	}
}

func TestOperatorsGetTheirRoleWhereItIsAbout(t *testing.T) {
	const role1 = "/providers/Microsoft.Authorization/roleDefinitions/r"
	for name, test := range map[string]struct{ why, actions, want string }{
		"network": {"it contains the subnets", `"Microsoft.Network/virtualNetworks/subnets/read","Microsoft.Network/virtualNetworks/join/action"`, "v"},
		"subnets": {"no more than needed", `"Microsoft.Network/virtualNetworks/subnets/join/action"`, "v/subnets/master v/subnets/worker"},
		"neither": {"the service assigns it in the managed group", `"Microsoft.Compute/disks/read"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := world(t, map[string]string{"GET " + role1: `{"properties":{"permissions":[{"actions":[` + test.actions + `]}]}}`})
			scopes, err := scopesOf(t.Context(), s, role{"x", role1}, "v")
			if err != nil || strings.Join(scopes, " ") != test.want {
				t.Errorf("%s: %v, error %v", test.why, scopes, err)
			}
		})
	}
}

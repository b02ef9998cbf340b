package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/hack/cluster/login"
)

// world is an Azure with some routes, where anybody may log in.
func world(t *testing.T, routes map[string]string) (*login.Session, *[]string) {
	t.Helper()
	var asked []string
	var server *httptest.Server
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		call := r.Method + " " + r.URL.Path
		body, known := routes[call]
		switch {
		case r.URL.Path == "/metadata/endpoints":
			body = `{"name":"Test","resourceManager":"ORIGIN","authentication":{"loginEndpoint":"ORIGIN","audiences":["ORIGIN"]},"microsoftGraphResourceId":"ORIGIN/graph","checkAccess":"ORIGIN/checkaccess"}`
		case strings.HasSuffix(r.URL.Path, "openid-configuration"):
			body = `{"token_endpoint":"ORIGIN/t/oauth2/v2.0/token","authorization_endpoint":"ORIGIN/t/a","issuer":"ORIGIN/t/v2.0"}`
		case strings.HasSuffix(r.URL.Path, "/token"):
			body = `{"token_type":"Bearer","expires_in":3600,"access_token":"x"}`
		default:
			asked = append(asked, call)
			if !known {
				w.WriteHeader(http.StatusNotFound)
				body = `{"error":{"code":"NotFound","message":"no"}}`
			}
		}
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "ORIGIN", server.URL)))
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	flags := login.Flags{Cloud: server.URL, CA: filepath.Join(dir, "ca.pem"), Identity: filepath.Join(dir, "demo.json")}
	who, err := json.Marshal(map[string]string{"tenantId": "t", "subscriptionId": "s", "clientId": "c", "clientSecret": "canary"})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{flags.Identity: who, flags.CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := flags.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s, &asked
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

package msgraph_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/msgraph"
	"github.com/aro-rp/aro/local/cloud/state"
)

const tenant = "00000000-0000-0000-0000-0000000000f0"

// fixture is an Entra ID and Graph at one TLS server, and a caller.
type fixture struct {
	*httptest.Server
	entra  *entra.Entra
	caller azcore.TokenCredential
}

type object = map[string]any

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db, err := state.Open(filepath.Join(t.TempDir(), "state.db"))
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	w := &fixture{}
	var service *msgraph.Service
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/graph/") {
			service.ServeHTTP(rw, r)
			return
		}
		w.entra.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	w.entra, err = entra.New(t.Context(), entra.Options{State: db, Origin: w.URL, Tenant: tenant})
	check(t, err)
	app, err := w.entra.CreateApplication(t.Context(), "", "caller")
	check(t, err)
	service = msgraph.New(msgraph.Options{Entra: w.entra, Origin: w.URL, Tenant: tenant, Administrators: []string{app.AppID}})
	_, err = w.entra.CreateServicePrincipal(t.Context(), app.AppID)
	check(t, err)
	secret, _, err := w.entra.AddPassword(t.Context(), app.AppID, "", time.Time{})
	check(t, err)
	w.caller = w.login(t, app.AppID, secret)
	return w
}

func (w *fixture) login(t *testing.T, id, secret string) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential(tenant, id, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            policy.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: w.URL}, Transport: w.Client(), Retry: policy.RetryOptions{MaxRetries: -1}},
		DisableInstanceDiscovery: true,
	})
	check(t, err)
	return credential
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call sends what az sends and wants a status.
func (w *fixture) call(t *testing.T, method, path string, body any, status int) object {
	t.Helper()
	token, err := w.caller.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{w.URL + "/graph/.default"}})
	check(t, err)
	var content bytes.Buffer
	if body != nil {
		check(t, json.NewEncoder(&content).Encode(body))
	}
	request, err := http.NewRequestWithContext(t.Context(), method, w.URL+"/graph/v1.0/"+path, &content)
	check(t, err)
	return w.send(t, request, token.Token, status)
}

func (w *fixture) send(t *testing.T, request *http.Request, token string, status int) object {
	t.Helper()
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := w.Client().Do(request)
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != status {
		t.Fatalf("%s %s: %s, want %d", request.Method, request.URL, response.Status, status)
	}
	answer := object{}
	if status != http.StatusNoContent {
		check(t, json.NewDecoder(response.Body).Decode(&answer))
	}
	return answer
}

func (w *fixture) find(t *testing.T, kind, filter string) []any {
	t.Helper()
	return w.call(t, http.MethodGet, kind+"?$filter="+strings.ReplaceAll(url.QueryEscape(filter), "+", "%20"), nil, http.StatusOK)["value"].([]any)
}

func TestApplicationAndPrincipalAreMadeAsAzDoes(t *testing.T) {
	w := newFixture(t)
	app := w.call(t, http.MethodPost, "applications", object{"displayName": "aro-1"}, http.StatusCreated)
	objectID, appID := app["id"].(string), app["appId"].(string)
	secret := w.call(t, http.MethodPost, "applications/"+objectID+"/addPassword", nil, http.StatusOK)["secretText"].(string)
	if found := w.find(t, "servicePrincipals", "appId eq '"+appID+"'"); len(found) != 0 {
		t.Error("a principal before it is made")
	}
	sp := w.call(t, http.MethodPost, "servicePrincipals", object{"appId": appID}, http.StatusCreated)
	w.call(t, http.MethodPost, "servicePrincipals", object{"appId": appID}, http.StatusConflict)
	for kind, filters := range map[string][]string{
		"servicePrincipals": {"appId eq '" + appID + "'", "servicePrincipalNames/any(c:c eq '" + appID + "')", "startswith(displayName,'aro')", "displayName eq 'aro-1' and appId eq '" + appID + "'"},
		"applications":      {"appId eq '" + appID + "'", "displayName eq 'aro-1'", "displayName eq 'x' or displayName eq 'aro-1'"},
	} {
		want := map[string]any{"servicePrincipals": sp["id"], "applications": app["id"]}[kind]
		for _, filter := range filters {
			if found := w.find(t, kind, filter); len(found) != 1 || found[0].(object)["id"] != want {
				t.Errorf("%s %s finds %v", kind, filter, found)
			}
		}
	}
	w.call(t, http.MethodGet, "applications?$filter="+url.QueryEscape("displayName ne 'x'"), nil, http.StatusBadRequest)
	shown := w.call(t, http.MethodGet, "applications(appId='"+appID+"')", nil, http.StatusOK)
	if text, _ := json.Marshal(shown); strings.Contains(string(text), secret) || !strings.Contains(string(text), secret[:3]) {
		t.Error("a secret is shown again, or its hint is not")
	}
	_, err := w.login(t, appID, secret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{w.URL + "/.default"}})
	check(t, err)
	found := w.call(t, http.MethodPost, "directoryObjects/getByIds", object{"ids": []any{sp["id"], tenant}, "types": []string{"servicePrincipal"}}, http.StatusOK)["value"].([]any)
	if len(found) != 1 || found[0].(object)["@odata.type"] != "#microsoft.graph.servicePrincipal" {
		t.Error(found)
	}

	w.call(t, http.MethodPatch, "applications/"+objectID, object{"displayName": "aro-2", "tags": []string{"x"}}, http.StatusNoContent)
	if got := w.call(t, http.MethodGet, "applications/"+objectID, nil, http.StatusOK); got["displayName"] != "aro-2" {
		t.Error(got["displayName"])
	}
	w.call(t, http.MethodDelete, "applications/"+objectID, nil, http.StatusNoContent)
	w.call(t, http.MethodGet, "applications/"+objectID, nil, http.StatusNotFound)
	w.call(t, http.MethodGet, "servicePrincipals/"+sp["id"].(string), nil, http.StatusNotFound)
}

func TestFilterLeavesQuotedWordsAlone(t *testing.T) {
	w := newFixture(t)
	w.call(t, http.MethodPost, "applications", object{"displayName": "this and that or John's"}, http.StatusCreated)
	w.call(t, http.MethodPost, "applications", object{"displayName": "this"}, http.StatusCreated)
	if found := w.find(t, "applications", "displayName eq 'this and that or John''s'"); len(found) != 1 {
		t.Error(found)
	}
}

func TestRemovedPasswordOpensNothing(t *testing.T) {
	w := newFixture(t)
	app := w.call(t, http.MethodPost, "applications", object{"displayName": "aro-1"}, http.StatusCreated)
	w.call(t, http.MethodPost, "servicePrincipals", object{"appId": app["appId"]}, http.StatusCreated)
	end := time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	p := w.call(t, http.MethodPost, "applications/"+app["id"].(string)+"/addPassword", object{"passwordCredential": object{"displayName": "rbac", "endDateTime": end}}, http.StatusOK)
	if p["endDateTime"] != end || p["displayName"] != "rbac" {
		t.Error(p)
	}
	w.call(t, http.MethodPost, "applications/"+app["id"].(string)+"/removePassword", object{"keyId": p["keyId"]}, http.StatusNoContent)
	_, err := w.login(t, app["appId"].(string), p["secretText"].(string)).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{w.URL + "/.default"}})
	if err == nil || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Error(err)
	}
}

func TestCallersNeedATokenForGraph(t *testing.T) {
	w := newFixture(t)
	vault, err := w.caller.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
	check(t, err)
	for _, token := range []string{"x", vault.Token} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/graph/v1.0/applications", nil)
		check(t, err)
		if answer := w.send(t, request, token, http.StatusUnauthorized); answer["error"].(object)["code"] != "InvalidAuthenticationToken" {
			t.Error(answer)
		}
	}
}

func TestWhomNobodyLetSeesNothingOfTheDirectory(t *testing.T) {
	w := newFixture(t)
	app := w.call(t, http.MethodPost, "applications", object{"displayName": "aro-1"}, http.StatusCreated)
	w.call(t, http.MethodPost, "servicePrincipals", object{"appId": app["appId"]}, http.StatusCreated)
	secret := w.call(t, http.MethodPost, "applications/"+app["id"].(string)+"/addPassword", nil, http.StatusOK)["secretText"].(string)
	w.caller = w.login(t, app["appId"].(string), secret)
	for _, refused := range [][2]string{
		{http.MethodGet, "servicePrincipals"}, {http.MethodGet, "applications/" + app["id"].(string)},
		{http.MethodPost, "directoryObjects/getByIds"}, {http.MethodPost, "applications"},
	} {
		answer := w.call(t, refused[0], refused[1], nil, http.StatusForbidden)
		if answer["error"].(object)["code"] != "Authorization_RequestDenied" {
			t.Error(refused, answer)
		}
	}
}

func TestManagedIdentityIsShownAndKept(t *testing.T) {
	w := newFixture(t)
	const id = "/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
	client, principal, err := w.entra.CreateIdentity(t.Context(), id)
	check(t, err)
	got := w.call(t, http.MethodGet, "servicePrincipals(appId='"+client+"')", nil, http.StatusOK)
	if got["id"] != principal || got["servicePrincipalType"] != "ManagedIdentity" || got["alternativeNames"].([]any)[1] != id {
		t.Error(got)
	}
	w.call(t, http.MethodDelete, "servicePrincipals/"+principal, nil, http.StatusBadRequest)
}

package cloud_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/local/cloud"
)

const (
	registries = customer + "/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/"
	registryAt = "?api-version=2023-07-01"

	acrPull   = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
	acrPush   = "8311e382-0749-4cb8-b61a-304f252e45ec"
	acrDelete = "c2f4ef07-c644-48eb-af81-4b1b4947fb11"
)

// registryFixture is a local Azure with the registries first and second, whose images no
// program has: a permitted request is answered with 503.
type registryFixture struct {
	*fixture
	passed atomic.Int64 // time that has passed, in ns
}

func newRegistryFixture(t *testing.T) *registryFixture {
	w := &registryFixture{}
	w.fixture = newFixture(t, cloud.Options{Now: func() time.Time { return time.Now().Add(time.Duration(w.passed.Load())) }})
	w.group("images")
	for _, name := range []string{"first", "second"} {
		w.put(name, object{})
	}
	return w
}

func (w *registryFixture) put(name string, properties object) {
	w.t.Helper()
	status, _, answer := w.call(w.demo(), http.MethodPut, registries+name+registryAt, object{"location": "eastus", "sku": object{"name": "Premium"}, "properties": properties})
	if status >= http.StatusBadRequest {
		w.t.Fatal(status, answer)
	}
}

// at sends a request to the host of a registry.
func (w *registryFixture) at(registry, method, path string, form url.Values, authorization string) (*http.Response, object) {
	w.t.Helper()
	var body *strings.Reader
	req := httptest.NewRequest(method, "https://"+registry+".azurecr.io"+path, nil)
	if form != nil {
		body = strings.NewReader(form.Encode())
		req = httptest.NewRequest(method, "https://"+registry+".azurecr.io"+path, body)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, req)
	var answer object
	_ = json.NewDecoder(recorder.Body).Decode(&answer)
	return recorder.Result(), answer
}

// exchange exchanges a token of Entra ID for a refresh token of the registry first; empty
// if it is refused.
func (w *registryFixture) exchange(credential azcore.TokenCredential, resource, service string) string {
	w.t.Helper()
	token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
	if err != nil {
		w.t.Fatal(err)
	}
	_, answer := w.at("first", http.MethodPost, "/oauth2/exchange", url.Values{"grant_type": {"access_token"}, "service": {service}, "access_token": {token.Token}}, "")
	refresh, _ := answer["refresh_token"].(string)
	return refresh
}

// access exchanges a refresh token for an access token of scopes; empty if it is refused.
func (w *registryFixture) access(registry, refresh, scopes string) string {
	w.t.Helper()
	_, answer := w.at(registry, http.MethodPost, "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "service": {registry + ".azurecr.io"}, "refresh_token": {refresh}, "scope": {scopes}}, "")
	token, _ := answer["access_token"].(string)
	return token
}

// permitted reports whether a request with an access token reaches the images.
func (w *registryFixture) permitted(registry, method, path, token string) bool {
	w.t.Helper()
	resp, answer := w.at(registry, method, path, nil, "Bearer "+token)
	switch resp.StatusCode {
	case http.StatusServiceUnavailable:
		return true
	case http.StatusUnauthorized:
		if challenge := resp.Header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, `Bearer realm="https://`+registry+`.azurecr.io/oauth2/token",service="`+registry+`.azurecr.io"`) {
			w.t.Errorf("%s %s: the challenge is %s", method, path, challenge)
		}
		return false
	}
	w.t.Errorf("%s %s: %d %v", method, path, resp.StatusCode, answer)
	return false
}

const acr = "https://containerregistry.azure.net"

func TestTheRolesOfACallerDecideWhatTokensOfARegistryPermit(t *testing.T) {
	w := newRegistryFixture(t)
	const scopes = "repository:a/b:pull,push,delete,metadata_read repository:c:pull registry:catalog:*"
	manifest, upload, mount := "/v2/a/b/manifests/latest", "/v2/a/b/blobs/uploads/", "/v2/a/b/blobs/uploads/?mount=sha256:00&from=c"
	for _, c := range []struct {
		roles                      []string
		exchanged, pull, push, del bool
	}{
		{},
		{roles: []string{acrPull}, exchanged: true, pull: true},
		{roles: []string{acrPush}, exchanged: true, pull: true, push: true},
		{roles: []string{acrDelete}},
		{roles: []string{acrPull, acrDelete}, exchanged: true, pull: true, del: true},
	} {
		credential, principal := w.newApplication()
		for _, role := range c.roles {
			if err := w.Access.Assign(t.Context(), principal, role, registries+"first"); err != nil {
				t.Fatal(err)
			}
		}
		refresh := w.exchange(credential, acr, "first.azurecr.io")
		if (refresh != "") != c.exchanged {
			t.Errorf("%v: the exchange succeeds: %v", c.roles, refresh != "")
		}
		if refresh == "" {
			continue
		}
		token := w.access("first", refresh, scopes)
		for _, request := range []struct {
			method, path string
			want         bool
		}{
			{http.MethodGet, "/v2/", true}, {http.MethodGet, manifest, c.pull}, {http.MethodHead, manifest, c.pull}, {http.MethodGet, "/v2/_catalog", c.pull},
			{http.MethodPut, manifest, c.push}, {http.MethodPost, upload, c.push}, {http.MethodPatch, upload + "id", c.push}, {http.MethodGet, upload + "id", c.push},
			{http.MethodPost, mount, c.push}, {http.MethodPost, strings.Replace(mount, "from=c", "from=d", 1), false},
			{http.MethodGet, "/acr/v1/a/b/_tags", c.pull}, {http.MethodGet, "/acr/v1/a/b/_tags/latest", c.pull},
			{http.MethodDelete, manifest, c.del}, {http.MethodGet, "/v2/other/manifests/latest", false},
		} {
			if got := w.permitted("first", request.method, request.path, token); got != request.want {
				t.Errorf("%v: %s %s is permitted: %v, want %v", c.roles, request.method, request.path, got, request.want)
			}
		}
	}
}

func TestTokensOfARegistryAreOfOneRegistryAndExpire(t *testing.T) {
	w := newRegistryFixture(t)
	const path, scope = "/v2/a/manifests/latest", "repository:a:pull"
	for _, c := range []struct {
		audience, service string
		want              bool
	}{
		{acr, "first.azurecr.io", true}, {acr, "first.azurecr.io:8443", true}, {w.Origin, "first.azurecr.io", true},
		{"https://vault.azure.net", "first.azurecr.io", false}, {acr, "second.azurecr.io", false},
	} {
		if got := w.exchange(w.demo(), c.audience, c.service) != ""; got != c.want {
			t.Errorf("a token for %s is exchanged for %s: %v, want %v", c.audience, c.service, got, c.want)
		}
	}
	refresh := w.exchange(w.demo(), acr, "first.azurecr.io")
	token := w.access("first", refresh, scope)
	if !w.permitted("first", http.MethodGet, path, token) || w.permitted("second", http.MethodGet, path, token) || w.permitted("first", http.MethodGet, path, refresh) {
		t.Error("an access token is for its registry, and a refresh token is none")
	}
	if w.access("second", refresh, scope) != "" || w.access("first", token, scope) != "" {
		t.Error("a refresh token is for its registry, and an access token is none")
	}
	w.passed.Store(int64(2 * time.Hour))
	if w.permitted("first", http.MethodGet, path, token) {
		t.Error("an access token is valid for more than two hours")
	}
	if token = w.access("first", refresh, scope); !w.permitted("first", http.MethodGet, path, token) {
		t.Error("it is not renewed")
	}
	w.passed.Store(int64(3*time.Hour + time.Minute))
	if w.access("first", refresh, scope) != "" {
		t.Error("a refresh token is valid for more than three hours")
	}
}

func TestARegistryHasAnAdministratorAndMayBeReadByAll(t *testing.T) {
	w := newRegistryFixture(t)
	const path = "/v2/a/manifests/latest"
	login := func(password string) string {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.SetBasicAuth("first", password)
		return req.Header.Get("Authorization")
	}
	reaches := func(method, authorization string) bool {
		resp, _ := w.at("first", method, path, nil, authorization)
		return resp.StatusCode == http.StatusServiceUnavailable
	}
	w.want(w.demo(), http.MethodPost, registries+"first/listCredentials"+registryAt, object{}, http.StatusBadRequest, "UnAuthorizedForCredentialOperations")
	w.put("first", object{"adminUserEnabled": true})
	passwords := func(answer object) (all []string) {
		list, _ := answer["passwords"].([]any)
		for _, one := range list {
			all = append(all, one.(object)["value"].(string))
		}
		return all
	}
	before := passwords(w.want(w.demo(), http.MethodPost, registries+"first/listCredentials"+registryAt, object{}, http.StatusOK, ""))
	if len(before) != 2 || !reaches(http.MethodPut, login(before[0])) || !reaches(http.MethodGet, login(before[1])) || reaches(http.MethodGet, login("wrong")) || reaches(http.MethodGet, "") {
		t.Errorf("the administrator of %d passwords, and nobody else, pushes and pulls", len(before))
	}
	after := passwords(w.want(w.demo(), http.MethodPost, registries+"first/regenerateCredential"+registryAt, object{"name": "password2"}, http.StatusOK, ""))
	if after[0] != before[0] || after[1] == before[1] || !reaches(http.MethodGet, login(after[1])) || reaches(http.MethodGet, login(before[1])) {
		t.Error("password2 is replaced, and no other")
	}
	w.put("first", object{"anonymousPullEnabled": true})
	if reaches(http.MethodGet, login(after[0])) || !reaches(http.MethodGet, "") || reaches(http.MethodPut, "") {
		t.Error("without an administrator all may pull, and nobody may push")
	}
}

func TestNamesOfRegistriesAreThoseOfHosts(t *testing.T) {
	w := newRegistryFixture(t)
	body := object{"location": "eastus", "sku": object{"name": "Basic"}}
	w.want(w.demo(), http.MethodPut, registries+"no-name"+registryAt, body, http.StatusBadRequest, "InvalidResourceName")
	w.group("others")
	w.want(w.demo(), http.MethodPut, strings.Replace(registries, "/images/", "/others/", 1)+"FIRST"+registryAt, body, http.StatusConflict, "AlreadyInUse")
	w.want(w.demo(), http.MethodPut, registries+"third"+registryAt, object{"location": "eastus"}, http.StatusBadRequest, "InvalidSku")
	for name, want := range map[string]bool{"first": false, "third": true, "a": false} {
		answer := w.want(w.demo(), http.MethodPost, customer+"/providers/Microsoft.ContainerRegistry/checkNameAvailability"+registryAt, object{"name": name, "type": "Microsoft.ContainerRegistry/registries"}, http.StatusOK, "")
		if answer["nameAvailable"] != want {
			t.Errorf("%s: %v, want %v", name, answer, want)
		}
	}
	if resp, _ := w.at("missing", http.MethodGet, "/v2/", nil, ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the host of no registry answers %d", resp.StatusCode)
	}
}

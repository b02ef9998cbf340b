package controlplane_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// fakeAzure is as much of Azure as the machine API calls, beneath the official
// clients. Every virtual machine it is given is handed to boots.
type fakeAzure struct {
	server *httptest.Server
	caFile string
	boots  func(name string)
	halts  func(name string)

	mu         sync.Mutex
	resources  map[string]map[string]any // by lower-cased path
	assertions []jwt.MapClaims           // that were exchanged for tokens
	quota      bool                      // is used up
	deleted    []string                  // paths, in order
}

func newFakeAzure(t *testing.T) *fakeAzure {
	t.Helper()
	a := &fakeAzure{resources: map[string]map[string]any{}, boots: func(string) {}, halts: func(string) {}}
	a.server = httptest.NewTLSServer(a)
	t.Cleanup(a.server.Close)
	a.caFile = filepath.Join(t.TempDir(), "azure-ca.pem")
	write(t, a.caFile, encode("CERTIFICATE", a.server.Certificate().Raw))
	return a
}

func (a *fakeAzure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	switch {
	case path == "/metadata/endpoints":
		answer(w, http.StatusOK, map[string]any{
			"authentication": map[string]any{"loginEndpoint": a.server.URL, "audiences": []string{"https://management.core.windows.net/"}}, "resourceManager": a.server.URL,
		})
	case strings.HasSuffix(path, "/.well-known/openid-configuration"):
		tenant := a.server.URL + "/" + strings.Split(path, "/")[1]
		answer(w, http.StatusOK, map[string]any{"token_endpoint": tenant + "/oauth2/v2.0/token", "authorization_endpoint": tenant + "/authorize", "issuer": tenant + "/v2.0"})
	case strings.HasSuffix(path, "/token"):
		a.token(w, r)
	case r.Header.Get("Authorization") != "Bearer good":
		refuse(w, http.StatusUnauthorized, "InvalidAuthenticationToken", "no token")
	default:
		a.resource(w, r, path)
	}
}

func (a *fakeAzure) token(w http.ResponseWriter, r *http.Request) {
	if assertion := r.FormValue("client_assertion"); assertion != "" {
		claims := jwt.MapClaims{}
		_, _, _ = jwt.NewParser().ParseUnverified(assertion, claims)
		a.mu.Lock()
		a.assertions = append(a.assertions, claims)
		a.mu.Unlock()
	} else if r.FormValue("client_secret") == "" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_client"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "good", "token_type": "Bearer", "expires_in": 3600})
}

func (a *fakeAzure) resource(w http.ResponseWriter, r *http.Request, path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	isVM := strings.Contains(path, "/virtualmachines/")
	name := path[strings.LastIndex(path, "/")+1:]
	switch r.Method {
	case http.MethodPut:
		if isVM && a.quota {
			refuse(w, http.StatusConflict, "OperationNotAllowed", "approved cores quota is used up")
			return
		}
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			refuse(w, http.StatusBadRequest, "InvalidRequestContent", err.Error())
			return
		}
		body["id"], body["name"] = r.URL.Path, name
		properties, _ := body["properties"].(map[string]any)
		properties["provisioningState"] = "Succeeded"
		a.resources[path] = body
		answer(w, http.StatusCreated, body)
		if isVM {
			a.boots(name)
		}
	case http.MethodGet:
		body, found := a.resources[path]
		if !found {
			refuse(w, http.StatusNotFound, "ResourceNotFound", "not found")
			return
		}
		answer(w, http.StatusOK, body)
	case http.MethodDelete:
		if isVM {
			a.halts(name)
		}
		delete(a.resources, path)
		if !slices.Contains(a.deleted, path) { // the machine API may ask again
			a.deleted = append(a.deleted, path)
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// named are the resources of a type.
func (a *fakeAzure) named(kind string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for path := range a.resources {
		if _, name, found := strings.Cut(path, "/"+strings.ToLower(kind)+"/"); found {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// body is one resource as it was put.
func (a *fakeAzure) body(kind, name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for path, body := range a.resources {
		if strings.HasSuffix(path, strings.ToLower("/"+kind+"/"+name)) {
			content, _ := json.Marshal(body)
			return string(content)
		}
	}
	return ""
}

func (a *fakeAzure) setQuota(used bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota = used
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, code int, name, message string) {
	answer(w, code, map[string]any{"error": map[string]any{"code": name, "message": fmt.Sprint(message)}})
}

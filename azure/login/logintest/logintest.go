// Package logintest is an Azure for tests of tools: it accepts every login, and
// returns what a test configures.
package logintest

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/azure/login"
)

// Azure is a server that a test started.
type Azure struct {
	login.Flags
	// Requests are the calls, such as GET /path, after any login.
	Requests []string

	url    string
	routes map[string]string
}

// Start starts an Azure with routes: bodies by method and path, in which ORIGIN
// stands for its URL. Paths below /vaults/ need a token.
func Start(t *testing.T, routes map[string]string) *Azure {
	t.Helper()
	a := &Azure{routes: routes}
	server := httptest.NewTLSServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	dir := t.TempDir()
	a.Flags = login.Flags{Cloud: a.url, CA: filepath.Join(dir, "ca.pem"), Identity: filepath.Join(dir, "identity.json")}
	who, err := json.Marshal(map[string]string{"tenantId": "t", "subscriptionId": "s", "clientId": "c", "clientSecret": "canary"})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{a.Identity: who, a.CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// ServeHTTP responds to logins, or by the routes.
func (a *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, status := a.login(r), http.StatusOK
	switch {
	case body != "":
	case strings.HasPrefix(r.URL.Path, "/vaults/") && r.Header.Get("Authorization") == "":
		w.Header().Set("WWW-Authenticate", `Bearer authorization="`+a.url+`/t", resource="https://vault.azure.net"`)
		status = http.StatusUnauthorized
	default:
		call := r.Method + " " + r.URL.Path
		a.Requests = append(a.Requests, call)
		var known bool
		if body, known = a.routes[call]; !known {
			body, status = `{"error":{"code":"NotFound","message":"no"}}`, http.StatusNotFound
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(strings.ReplaceAll(body, "ORIGIN", a.url)))
}

// login returns the response to the requests of a login; empty for other paths.
func (a *Azure) login(r *http.Request) string {
	switch {
	case r.URL.Path == "/metadata/endpoints":
		return `{"name":"Test","resourceManager":"ORIGIN","authentication":{"loginEndpoint":"ORIGIN","audiences":["ORIGIN"]},"microsoftGraphResourceId":"ORIGIN/graph","checkAccess":"ORIGIN/checkaccess"}`
	case strings.HasSuffix(r.URL.Path, "openid-configuration"):
		return `{"token_endpoint":"ORIGIN/t/oauth2/v2.0/token","authorization_endpoint":"ORIGIN/t/a","issuer":"ORIGIN/t/v2.0"}`
	case strings.HasSuffix(r.URL.Path, "/token"):
		return `{"token_type":"Bearer","expires_in":3600,"access_token":"x"}`
	}
	return ""
}

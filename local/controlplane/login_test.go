package controlplane_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// peopleLogIn does what `oc login` does with the password of kubeadmin, either way.
func (s *suite) peopleLogIn(t *testing.T) {
	config := rest.AnonymousClientConfig(s.process.reach(t, []byte(s.cluster.AdminKubeconfig)))
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	host := strings.TrimSuffix(config.Host, "/")
	var metadata struct {
		AuthorizationEndpoint string `json:"authorization_endpoint"`
		TokenEndpoint         string `json:"token_endpoint"`
	}
	fetch(t, web, http.MethodGet, host+"/.well-known/oauth-authorization-server", nil, "", &metadata)
	authorize := func(password string, query url.Values) *url.URL {
		query.Set("client_id", "openshift-challenging-client")
		request, err := http.NewRequest(http.MethodGet, metadata.AuthorizationEndpoint+"?"+query.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("kubeadmin", password)
		response, err := web.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusUnauthorized && strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Basic ") {
			return nil
		}
		to, err := url.Parse(response.Header.Get("Location"))
		if err != nil || response.StatusCode != http.StatusFound {
			t.Fatalf("%v, status %d", err, response.StatusCode)
		}
		return to
	}
	if authorize("wrong", url.Values{"response_type": {"token"}}) != nil {
		t.Error("a wrong password gets in")
	}
	implicit, err := url.ParseQuery(authorize(s.cluster.KubeadminPassword, url.Values{"response_type": {"token"}}).Fragment)
	if err != nil {
		t.Fatal(err)
	}
	const verifier = "a verifier of forty-three characters or more"
	challenge := sha256.Sum256([]byte(verifier))
	code := authorize(s.cluster.KubeadminPassword, url.Values{"response_type": {"code"},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}}).Query().Get("code")
	var exchanged struct {
		AccessToken string `json:"access_token"`
	}
	fetch(t, web, http.MethodPost, metadata.TokenEndpoint, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}}, "", &exchanged)
	for _, token := range []string{implicit.Get("access_token"), exchanged.AccessToken} {
		var user struct{ Metadata struct{ Name string } }
		fetch(t, web, http.MethodGet, host+"/apis/user.openshift.io/v1/users/~", nil, token, &user)
		if user.Metadata.Name != "kube:admin" {
			t.Errorf("the user is %q", user.Metadata.Name)
		}
		var list struct{ Items []any }
		fetch(t, web, http.MethodGet, host+"/api/v1/nodes", nil, token, &list)
	}
	for _, token := range []string{code, implicit.Get("access_token") + "x"} {
		if status := fetch(t, web, http.MethodGet, host+"/api/v1/nodes", nil, token, nil); status != http.StatusUnauthorized {
			t.Errorf("a forged token gets %d", status)
		}
	}
}

// fetch demands 200 where something is to be read.
func fetch(t *testing.T, web *http.Client, method, address string, form url.Values, token string, into any) int {
	t.Helper()
	request, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if into == nil {
		return response.StatusCode
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", address, response.StatusCode)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

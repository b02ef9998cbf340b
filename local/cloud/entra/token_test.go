package entra_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"github.com/aro-rp/aro/local/cloud/entra"
)

func TestSecretProvesAnApplication(t *testing.T) {
	w := newFixture(t)
	sp := w.application(t, "", "demo")
	secret, _, err := w.AddPassword(t.Context(), sp.AppID, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	scope := w.URL + "/.default"
	want := entra.Caller{TenantID: tenant, ObjectID: sp.ObjectID, AppID: sp.AppID, Audience: w.URL}
	if got := w.caller(t, w.bySecret(t, tenant, sp.AppID, secret), scope); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}

	mustFail(t, w.bySecret(t, tenant, sp.AppID, "wrong"), scope, "AADSTS7000215")
	mustFail(t, w.bySecret(t, tenant, "00000000-0000-0000-0000-000000000bad", secret), scope, "AADSTS700016")
	mustFail(t, w.bySecret(t, "00000000-0000-0000-0000-000000000bad", sp.AppID, secret), scope, "90002")
	mustFail(t, w.bySecret(t, tenant, sp.AppID, secret), "https://elsewhere.example/.default", "AADSTS500011")

	w.now = time.Now().AddDate(3, 0, 0)
	mustFail(t, w.bySecret(t, tenant, sp.AppID, secret), scope, "AADSTS7000222")
}

func TestRestartKeepsSecretsAndTokens(t *testing.T) {
	w := newFixture(t)
	sp := w.application(t, "", "demo")
	secret, _, err := w.AddPassword(t.Context(), sp.AppID, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.bySecret(t, tenant, sp.AppID, secret).GetToken(t.Context(), tokenFor("https://vault.azure.net"))
	if err != nil {
		t.Fatal(err)
	}
	w.open(t)
	if caller, err := w.Verify(token.Token); err != nil || caller.Audience != "https://vault.azure.net" {
		t.Errorf("%+v %v", caller, err)
	}
	w.caller(t, w.bySecret(t, tenant, sp.AppID, secret), "https://storage.azure.com/.default")
}

func TestTokensThatAreNotOursAreRefused(t *testing.T) {
	w := newFixture(t)
	sp := w.application(t, "", "demo")
	secret, _, err := w.AddPassword(t.Context(), sp.AppID, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.bySecret(t, tenant, sp.AppID, secret).GetToken(t.Context(), tokenFor(w.URL))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token.Token, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	forged := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), sp.ObjectID, tenant, 1))) + "." + parts[2]
	if _, err := w.Verify(forged); err == nil {
		t.Error("a forged token is accepted")
	}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	if _, err := w.Verify(unsigned); err == nil {
		t.Error("an unsigned token is accepted")
	}
	if _, err := newFixture(t).Verify(token.Token); err == nil {
		t.Error("a token of another Entra ID is accepted")
	}
	w.now = time.Now().Add(2 * time.Hour)
	if _, err := w.Verify(token.Token); err == nil {
		t.Error("an expired token is accepted")
	}
}

func TestCertificateProvesAnApplication(t *testing.T) {
	w := newFixture(t)
	sp := w.application(t, firstParty, "first party")
	ca, caKey := certificate(t, "authority", nil, nil)
	w.roots.AddCert(ca)
	const name = "firstparty.aro.test"
	if err := w.AddCertificate(t.Context(), sp.AppID, name); err != nil {
		t.Fatal(err)
	}
	scope := w.URL + "/.default"
	trusted, key := certificate(t, name, ca, caKey)
	if got := w.caller(t, w.byCertificate(t, sp.AppID, key, true, trusted, ca), scope); got.ObjectID != sp.ObjectID {
		t.Errorf("got %+v", got)
	}
	mustFail(t, w.byCertificate(t, sp.AppID, key, false, trusted, ca), scope, "AADSTS700027")

	other, otherKey := certificate(t, "other.aro.test", ca, caKey)
	mustFail(t, w.byCertificate(t, sp.AppID, otherKey, true, other, ca), scope, "AADSTS700027")
	selfSigned, selfKey := certificate(t, name, nil, nil)
	mustFail(t, w.byCertificate(t, sp.AppID, selfKey, true, selfSigned), scope, "AADSTS700027")

	// Registered as it is, a certificate needs no chain and no authority.
	if err := w.AddKey(t.Context(), sp.AppID, selfSigned.Raw); err != nil {
		t.Fatal(err)
	}
	w.caller(t, w.byCertificate(t, sp.AppID, selfKey, false, selfSigned), scope)
	w.now = time.Now().Add(2 * time.Hour)
	mustFail(t, w.byCertificate(t, sp.AppID, selfKey, false, selfSigned), scope, "AADSTS700027")
}

func (w *fixture) byCertificate(t *testing.T, id string, key *rsa.PrivateKey, chain bool, certificates ...*x509.Certificate) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewClientCertificateCredential(tenant, id, certificates, crypto.PrivateKey(key), &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: w.options(), DisableInstanceDiscovery: true, SendCertificateChain: chain,
	})
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

// issuer publishes a key as a cluster's issuer does and signs tokens with it.
func (w *fixture) issuer(t *testing.T, name string) (address string, key *rsa.PrivateKey) {
	t.Helper()
	_, key = certificate(t, name, nil, nil)
	address = w.URL + "/issuer/" + name
	serve := func(path string, body any) {
		w.issuers.HandleFunc("GET /issuer/"+name+path, func(rw http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(rw).Encode(body) })
	}
	serve("/.well-known/openid-configuration", map[string]any{"issuer": address, "jwks_uri": address + "/openid/v1/jwks"})
	serve("/openid/v1/jwks", map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig",
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}})
	return address, key
}

// claimed is what the token of a service account claims.
type claimed struct{ issuer, subject, audience string }

func (w *fixture) byFederation(t *testing.T, id string, key *rsa.PrivateKey, c claimed) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewClientAssertionCredential(tenant, id, func(context.Context) (string, error) {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
			Issuer: c.issuer, Subject: c.subject, Audience: jwt.ClaimStrings{c.audience}, IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
		})
		token.Header["kid"] = "1"
		return token.SignedString(key)
	}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

func TestFederatedTokenProvesAManagedIdentity(t *testing.T) {
	const id, subject = "/subscriptions/1/resourceGroups/G/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ingress", "system:serviceaccount:openshift-ingress-operator:ingress-operator"
	w := newFixture(t)
	client, principal, err := w.CreateIdentity(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	issuer, key := w.issuer(t, "cluster")
	_, otherKey := certificate(t, "other", nil, nil)
	scope := w.URL + "/.default"
	mustFail(t, w.byFederation(t, client, key, claimed{issuer, subject, "openshift"}), scope, "AADSTS70025")
	w.trusted[strings.ToLower(id)] = []entra.FederatedCredential{{Issuer: issuer, Subject: subject, Audiences: []string{"openshift"}}}
	if got := w.caller(t, w.byFederation(t, client, key, claimed{issuer, subject, "openshift"}), scope); got.ObjectID != principal || got.AppID != client {
		t.Errorf("got %+v", got)
	}
	mustFail(t, w.byFederation(t, client, key, claimed{issuer + "/x", subject, "openshift"}), scope, "AADSTS700211")
	mustFail(t, w.byFederation(t, client, key, claimed{issuer, "system:serviceaccount:x:y", "openshift"}), scope, "AADSTS700213")
	mustFail(t, w.byFederation(t, client, key, claimed{issuer, subject, "other"}), scope, "AADSTS700212")
	mustFail(t, w.byFederation(t, client, otherKey, claimed{issuer, subject, "openshift"}), scope, "AADSTS700027")

	gone := w.URL + "/issuer/gone"
	w.trusted[strings.ToLower(id)] = []entra.FederatedCredential{{Issuer: gone, Subject: subject, Audiences: []string{"openshift"}}}
	mustFail(t, w.byFederation(t, client, key, claimed{gone, subject, "openshift"}), scope, "AADSTS50166")
}

func TestVersion1EndpointAnswersAsVersion1(t *testing.T) {
	w := newFixture(t)
	sp := w.application(t, "", "demo")
	secret, _, err := w.AddPassword(t.Context(), sp.AppID, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {sp.AppID}, "client_secret": {secret}, "resource": {"https://management.azure.com/"}}
	response, err := w.Client().PostForm(w.URL+"/"+tenant+"/oauth2/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer map[string]string // every value is a string, also the numbers
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	caller, err := w.Verify(answer["access_token"])
	if err != nil || caller.Audience != "https://management.azure.com" || answer["expires_in"] != "3599" {
		t.Errorf("%+v %v %v", caller, err, answer["expires_in"])
	}
}

func TestErrorsHaveTheFormOfEntraID(t *testing.T) {
	w := newFixture(t)
	response, err := w.Client().PostForm(w.URL+"/"+tenant+"/oauth2/v2.0/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"hidden"}, "scope": {w.URL + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
		Trace       string `json:"trace_id"`
		Correlation string `json:"correlation_id"`
		Timestamp   string `json:"timestamp"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusBadRequest || answer.Error != "unauthorized_client" || len(answer.Codes) != 1 || answer.Codes[0] != 700016 ||
		answer.Trace == "" || answer.Correlation == "" || answer.Timestamp == "" || !strings.HasPrefix(answer.Description, "AADSTS700016: ") || strings.Contains(answer.Description, "hidden") {
		t.Errorf("%d %+v", response.StatusCode, answer)
	}
}

package portal_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// directory is an Entra ID that signs in the user of the test at once. The one of the
// local Azure, with which test/apipage tries the portal, cannot be imported here.
type directory struct {
	*httptest.Server
	key *rsa.PrivateKey
	t   *testing.T

	mu     sync.Mutex
	user   string
	groups []string
	codes  map[string]url.Values // by code: the query that began the login
	refuse string                // an error in place of a code
	nonce  string                // in place of the right one
}

const (
	clientID  = "portal-client-id"
	groupSRE  = "aaaaaaaa-0000-4000-8000-000000000001"
	groupHigh = "aaaaaaaa-0000-4000-8000-000000000002"
)

func newDirectory(t *testing.T) *directory {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	d := &directory{key: key, t: t, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/t/v2.0/.well-known/openid-configuration", d.describe)
	mux.HandleFunc("/keys", d.keys)
	mux.HandleFunc("/authorize", d.authorize)
	mux.HandleFunc("/token", d.token)
	d.Server = httptest.NewTLSServer(mux)
	t.Cleanup(d.Close)
	return d
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (d *directory) describe(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"issuer": d.URL + "/t/v2.0", "authorization_endpoint": d.URL + "/authorize", "token_endpoint": d.URL + "/token",
		"jwks_uri": d.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
}

func (d *directory) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k",
		"n": base64.RawURLEncoding.EncodeToString(d.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(d.key.E)).Bytes())}}})
}

func (d *directory) authorize(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q, back := r.URL.Query(), url.Values{}
	back.Set("state", q.Get("state"))
	if d.refuse != "" {
		back.Set("error", d.refuse)
	} else {
		code := rand.Text()
		d.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// token redeems a code for a client with the application's certificate.
func (d *directory) token(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q, known := d.codes[r.FormValue("code")]
	delete(d.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(r.FormValue("client_assertion"), &claims, func(token *jwt.Token) (any, error) {
		der, err := base64.StdEncoding.DecodeString(token.Header["x5c"].([]any)[0].(string))
		if err != nil {
			return nil, err
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	}, jwt.WithValidMethods([]string{"PS256"}), jwt.WithAudience(d.URL+"/token"), jwt.WithIssuer(clientID), jwt.WithSubject(clientID), jwt.WithExpirationRequired())
	if err != nil {
		d.t.Errorf("the client assertion: %v", err)
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	nonce := q.Get("nonce")
	if d.nonce != "" {
		nonce = d.nonce
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": d.URL + "/t/v2.0", "aud": clientID, "sub": "s-" + d.user, "oid": "oid-" + d.user,
		"preferred_username": d.user, "groups": d.groups, "nonce": nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = "k"
	signed, err := token.SignedString(d.key)
	if err != nil {
		d.t.Error(err)
	}
	answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "access_token": "x", "expires_in": 3600, "id_token": signed})
}

// as says who logs in next.
func (d *directory) as(user string, groups ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user, d.groups, d.refuse, d.nonce = user, groups, "", ""
}

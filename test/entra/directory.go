// Package entra is an Entra ID for tests of the portal: it logs in at once the user that the test names.
package entra

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

// ClientID is the portal's application, and the groups are those of people who may log in, and
// who may act as administrators of clusters.
const (
	ClientID  = "portal-client-id"
	GroupSRE  = "aaaaaaaa-0000-4000-8000-000000000001"
	GroupHigh = "aaaaaaaa-0000-4000-8000-000000000002"
)

// Directory is an Entra ID with one tenant. The one of the local Azure, with which test/apipage
// tests the portal, is in another module.
type Directory struct {
	*httptest.Server
	key *rsa.PrivateKey
	t   testing.TB

	mu     sync.Mutex
	user   string
	groups []string
	codes  map[string]url.Values // by code: the query that began the login
	refuse string                // an error in place of a code
	nonce  string                // in place of the right one
}

// New starts a directory, which ends with the test.
func New(t testing.TB) *Directory {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	d := &Directory{key: key, t: t, codes: map[string]url.Values{}}
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

func (d *Directory) describe(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"issuer": d.Issuer(), "authorization_endpoint": d.URL + "/authorize", "token_endpoint": d.URL + "/token",
		"jwks_uri": d.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
}

func (d *Directory) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k",
		"n": base64.RawURLEncoding.EncodeToString(d.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(d.key.E)).Bytes())}}})
}

func (d *Directory) authorize(w http.ResponseWriter, r *http.Request) {
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
func (d *Directory) token(w http.ResponseWriter, r *http.Request) {
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
	}, jwt.WithValidMethods([]string{"PS256"}), jwt.WithAudience(d.URL+"/token"), jwt.WithIssuer(ClientID), jwt.WithSubject(ClientID), jwt.WithExpirationRequired())
	if err != nil {
		d.t.Errorf("the client assertion: %v", err)
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	nonce := q.Get("nonce")
	if d.nonce != "" {
		nonce = d.nonce
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": d.Issuer(), "aud": ClientID, "sub": "s-" + d.user, "oid": "oid-" + d.user,
		"preferred_username": d.user, "groups": d.groups, "nonce": nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = "k"
	signed, err := token.SignedString(d.key)
	if err != nil {
		d.t.Error(err)
	}
	answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "access_token": "x", "expires_in": 3600, "id_token": signed})
}

// Issuer is the tenant, as the portal is configured with it.
func (d *Directory) Issuer() string { return d.URL + "/t/v2.0" }

// LogIn makes the directory log in this person from now on.
func (d *Directory) LogIn(user string, groups ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user, d.groups, d.refuse, d.nonce = user, groups, "", ""
}

// Refuse makes the directory answer logins with an error.
func (d *Directory) Refuse(code string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = code
}

// Replay makes the directory put the nonce of another login into its tokens.
func (d *Directory) Replay(nonce string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nonce = nonce
}

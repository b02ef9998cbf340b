package entra_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/aro-rp/aro/local/cloud/entra"
)

const (
	portalApplication = "11111111-0000-4000-8000-000000000001"
	portalReply       = "https://portal.test/callback"
)

// browser signs users in as browsers do, but for that it does not follow redirects.
type browser struct {
	*fixture
	*testing.T
	certificate *x509.Certificate
	key         *rsa.PrivateKey
}

func newBrowser(t *testing.T) *browser {
	w := newFixture(t)
	w.Users = []entra.User{{ObjectID: "u-1", Name: "sre@aroapp.test", DisplayName: "An engineer", Groups: []string{"g-1"}}}
	w.application(t, portalApplication, "portal")
	b := &browser{fixture: w, T: t}
	b.certificate, b.key = certificate(t, "portal.test", nil, nil)
	w.roots.AddCert(b.certificate)
	if err := w.AddCertificate(t.Context(), portalApplication, "portal.test"); err != nil {
		t.Fatal(err)
	}
	if err := w.AddReplyURL(t.Context(), portalApplication, portalReply); err != nil {
		t.Fatal(err)
	}
	return b
}

func query(change ...string) url.Values {
	sum := sha256.Sum256([]byte("the verifier"))
	q := url.Values{"client_id": {portalApplication}, "response_type": {"code"}, "redirect_uri": {portalReply}, "scope": {"openid profile"}, "state": {"s&1"},
		"nonce": {"n1"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return q
}

func (b *browser) authorize(method string, q, form url.Values) (*http.Response, string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.URL+"/"+tenant+"/oauth2/v2.0/authorize?"+q.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := *b.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res, string(body)
}

func (b *browser) code(q url.Values) string {
	b.Helper()
	res, body := b.authorize(http.MethodPost, q, url.Values{"user": {"SRE@aroapp.test"}})
	at, err := res.Location()
	if err != nil {
		b.Fatal(res.Status, body)
	}
	if at.Host != "portal.test" || at.Query().Get("state") != "s&1" || at.Query().Get("code") == "" {
		b.Fatal("sent to " + at.String())
	}
	return at.Query().Get("code")
}

func (b *browser) redeem(code string, change ...string) map[string]any {
	b.Helper()
	endpoint := b.URL + "/" + tenant + "/oauth2/v2.0/token"
	assertion := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.RegisteredClaims{Issuer: portalApplication, Subject: portalApplication,
		Audience: jwt.ClaimStrings{endpoint}, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute))})
	sum := sha256.Sum256(b.certificate.Raw)
	assertion.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	assertion.Header["x5c"] = []string{base64.StdEncoding.EncodeToString(b.certificate.Raw)}
	signed, err := assertion.SignedString(b.key)
	if err != nil {
		b.Fatal(err)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {portalApplication}, "redirect_uri": {portalReply}, "code": {code}, "code_verifier": {"the verifier"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {signed}}
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	res, err := b.Client().PostForm(endpoint, form)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		b.Fatal(err)
	}
	return answer
}

func TestPeopleSignInToAnApplication(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	if _, page := b.authorize(http.MethodGet, query(), nil); !strings.Contains(page, "sre@aroapp.test") || !strings.Contains(page, "Sign in to portal") {
		t.Errorf("the page shows no user: %s", page)
	}
	code := b.code(query())
	answer := b.redeem(code)
	text, _ := answer["id_token"].(string)
	var claims jwt.MapClaims
	if _, _, err := jwt.NewParser().ParseUnverified(text, &claims); err != nil {
		t.Fatal(answer)
	}
	for name, want := range map[string]any{"iss": b.URL + "/" + tenant + "/v2.0", "aud": portalApplication, "nonce": "n1", "preferred_username": "sre@aroapp.test", "oid": "u-1"} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if groups, _ := claims["groups"].([]any); len(groups) != 1 || groups[0] != "g-1" {
		t.Errorf("groups are %v", claims["groups"])
	}
	if again := b.redeem(code); !strings.Contains(again["error_description"].(string), "AADSTS54005") {
		t.Errorf("a code was redeemed twice: %v", again)
	}
}

func TestCodesAreBoundToTheirRequest(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for want, change := range map[string][]string{
		"AADSTS501481": {"code_verifier", "another"}, "AADSTS500112": {"redirect_uri", "https://portal.test/other"},
		"AADSTS70000": {"code", "NOSUCHCODE"}, "AADSTS7000218": {"client_assertion", ""},
	} {
		if answer := b.redeem(b.code(query()), change...); !strings.Contains(answer["error_description"].(string), want) {
			t.Errorf("%s: %v", change[0], answer)
		}
	}
}

func TestNobodyIsSentToAnUnknownAddress(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		res, body := b.authorize(method, query("redirect_uri", "https://evil.test/callback"), url.Values{"user": {"sre@aroapp.test"}})
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "AADSTS50011") {
			t.Errorf("%s: %s %s", method, res.Status, body)
		}
	}
	for want, change := range map[string][]string{"unsupported_response_type": {"response_type", "token"}, "invalid_scope": {"scope", "profile"},
		"login_required": {"prompt", "none"}, "invalid_request": {"code_challenge_method", "plain"}} {
		res, _ := b.authorize(http.MethodGet, query(change...), nil)
		if at, err := res.Location(); err != nil || at.Query().Get("error") != want || at.Query().Get("state") != "s&1" {
			t.Errorf("%v: %v %v", change, at, err)
		}
	}
}

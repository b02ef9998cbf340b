package entra

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/aro-rp/aro/arm"
)

// User is a user of the directory. Users have no passwords here: the sign-in page lets its visitor
// choose one.
type User struct {
	ObjectID string
	// Name is the user principal name, such as sre@aroapp.test.
	Name        string
	DisplayName string
	// Groups are the object ids of the groups that the user is in.
	Groups []string
}

// codeLifetime is how long an authorization code waits to be redeemed.
const codeLifetime = 10 * time.Minute

// maxCodes bounds the codes that wait; beyond it the oldest are forgotten.
const maxCodes = 1000

// code is an authorization code that was given out.
type code struct {
	request authorization
	tenant  string
	user    User
	expires time.Time
	used    bool
}

// codes are the authorization codes that wait. They do not survive a restart.
type codes struct {
	mu    sync.Mutex
	given map[string]*code
	order []string
}

func (c *codes) add(one *code) string {
	name := rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.given == nil {
		c.given = map[string]*code{}
	}
	c.given[name] = one
	if c.order = append(c.order, name); len(c.order) > maxCodes {
		delete(c.given, c.order[0])
		c.order = c.order[1:]
	}
	return name
}

// redeem returns a code once; its member used counts the attempts before.
func (c *codes) redeem(name string) (one code, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.given[name]
	if found == nil {
		return code{}, false
	}
	one = *found
	found.used = true
	return one, true
}

// authorization is the query of a sign-in.
type authorization struct {
	clientID, redirect, state, nonce, challenge, mode string
	scopes                                            []string
}

//go:embed signin.html
var signInText string

var signIn = template.Must(template.New("signin").Parse(signInText))

// authorize answers the authorization endpoint: GET shows who can sign in, and POST signs
// the chosen one in.
func (e *Entra) authorize(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	tenant := r.PathValue("tenant")
	if _, ours := e.known(tenant); !ours {
		e.fail(w, r, unknownTenant(tenant))
		return
	}
	a, application, failure := e.authorization(r)
	if failure != nil { // without an address that is known to be the application's there is nowhere to go
		e.fail(w, r, failure)
		return
	}
	if code, text := a.refusal(r.URL.Query()); code != "" {
		http.Redirect(w, r, a.back(url.Values{"error": {code}, "error_description": {text}}), http.StatusFound)
		return
	}
	if r.Method == http.MethodPost {
		e.signedIn(w, r, a)
		return
	}
	target, _ := url.Parse(a.redirect) // it is registered
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Frame-Options", "DENY")
	// A browser applies form-action to what a form is redirected to as well.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+target.Scheme+"://"+target.Host)
	_ = signIn.Execute(w, map[string]any{"Application": application, "Users": e.Users, "Action": r.URL.RequestURI()}) // the caller is gone
}

// signedIn sends the browser back to the application with a code for the user of the form.
func (e *Entra) signedIn(w http.ResponseWriter, r *http.Request, a authorization) {
	i := slices.IndexFunc(e.Users, func(u User) bool { return arm.EqualFold(u.Name, r.PostFormValue("user")) })
	if i < 0 {
		e.fail(w, r, &oauthError{http.StatusBadRequest, "invalid_request", 50034, "The user account does not exist in the directory. To sign into this application, the account must be added to the directory."})
		return
	}
	name := e.codes.add(&code{request: a, tenant: e.signInTenant(r.PathValue("tenant")), user: e.Users[i], expires: e.Now().Add(codeLifetime)})
	http.Redirect(w, r, a.back(url.Values{"code": {name}}), http.StatusFound)
}

// signInTenant is the tenant of users who sign in under a name that may be common to all tenants.
func (e *Entra) signInTenant(name string) string {
	if exact, _ := e.known(name); exact {
		return e.tenantOf(name)
	}
	return e.Tenant
}

// authorization reads the request, and refuses one of an application or to an address
// that is not registered.
func (e *Entra) authorization(r *http.Request) (authorization, string, *oauthError) {
	q := r.URL.Query()
	a := authorization{clientID: strings.ToLower(q.Get("client_id")), redirect: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"),
		challenge: q.Get("code_challenge"), mode: q.Get("response_mode"), scopes: strings.Fields(q.Get("scope"))}
	if a.clientID == "" {
		return a, "", missing("client_id")
	}
	app, _, failure := e.client(r.Context(), a.clientID)
	if failure != nil {
		return a, "", failure
	}
	if !slices.Contains(app.ReplyURLs, a.redirect) {
		return a, "", &oauthError{http.StatusBadRequest, "invalid_request", 50011, fmt.Sprintf("The redirect URI '%s' specified in the request does not match the redirect URIs configured for the application '%s'. "+
			"Make sure the redirect URI sent in the request matches one added to your application.", arm.Plain(a.redirect, 256), app.AppID)}
	}
	return a, app.DisplayName, nil
}

// refusal is the OAuth error of a request of a known application, empty if it is good.
func (a authorization) refusal(q url.Values) (code, text string) {
	switch {
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "AADSTS700054: response_type must be 'code'; others are not enabled for the application."
	case !slices.Contains(a.scopes, "openid"):
		return "invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' is not valid. It must have 'openid'."
	case a.challenge != "" && q.Get("code_challenge_method") != "S256":
		return "invalid_request", "AADSTS501491: Only the code_challenge_method S256 is supported."
	case q.Get("prompt") == "none":
		return "login_required", "AADSTS50058: A silent sign-in request was sent but no user is signed in."
	case a.mode != "" && a.mode != "query":
		return "invalid_request", "AADSTS90023: Only the response_mode 'query' is supported."
	}
	return "", ""
}

// back is the application's address with an answer.
func (a authorization) back(answer url.Values) string {
	if a.state != "" {
		answer.Set("state", a.state)
	}
	separator := "?"
	if strings.Contains(a.redirect, "?") {
		separator = "&"
	}
	return a.redirect + separator + answer.Encode()
}

// redeem answers the grant of an authorization code.
func (e *Entra) redeem(r *http.Request) (map[string]any, *oauthError) {
	form := r.PostForm
	for _, parameter := range []string{"code", "redirect_uri"} {
		if form.Get(parameter) == "" {
			return nil, missing(parameter)
		}
	}
	principal, _, failure := e.authenticate(r)
	if failure != nil {
		return nil, failure
	}
	one, known := e.codes.redeem(form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	verified := one.request.challenge == "" || subtle.ConstantTimeCompare([]byte(one.request.challenge), []byte(base64.RawURLEncoding.EncodeToString(sum[:]))) == 1
	invalid := func(number int, text string) (map[string]any, *oauthError) {
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", number, text}
	}
	switch {
	case !known || !arm.EqualFold(one.request.clientID, principal.AppID) || one.tenant != e.tenantOf(r.PathValue("tenant")):
		return invalid(70000, "The provided value for the 'code' parameter is not valid.")
	case one.used:
		return invalid(54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case e.Now().After(one.expires):
		return invalid(70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.")
	case one.request.redirect != form.Get("redirect_uri"):
		return invalid(500112, "The reply address does not match the reply address provided when requesting Authorization code.")
	case !verified:
		return invalid(501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	token, err := e.idToken(one)
	if err != nil {
		return nil, unavailable()
	}
	// The access token is of the scopes of OpenID alone: it opens nothing here.
	return map[string]any{"token_type": "Bearer", "scope": strings.Join(one.request.scopes, " "), "expires_in": int(lifetime.Seconds()) - 1,
		"ext_expires_in": int(lifetime.Seconds()) - 1, "access_token": rand.Text(), "id_token": token}, nil
}

// idClaims are those of an ID token of version 2.0.
type idClaims struct {
	jwt.RegisteredClaims
	Audience          string   `json:"aud"` // one string, not a list as RegisteredClaims writes it
	Groups            []string `json:"groups,omitempty"`
	Name              string   `json:"name"`
	Nonce             string   `json:"nonce,omitempty"`
	ObjectID          string   `json:"oid"`
	PreferredUsername string   `json:"preferred_username"`
	TenantID          string   `json:"tid"`
	Version           string   `json:"ver"`
}

func (e *Entra) idToken(one code) (string, error) {
	now := e.Now()
	// The subject is of a user at one application.
	subject := sha256.Sum256([]byte(one.user.ObjectID + one.request.clientID))
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, idClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: e.Origin + "/" + one.tenant + "/v2.0", Subject: base64.RawURLEncoding.EncodeToString(subject[:]),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)),
		},
		Audience: one.request.clientID, Groups: one.user.Groups, Name: one.user.DisplayName, Nonce: one.request.nonce,
		ObjectID: one.user.ObjectID, PreferredUsername: one.user.Name, TenantID: one.tenant, Version: "2.0",
	})
	token.Header["kid"], token.Header["x5t"] = e.signer.id, e.signer.id
	return token.SignedString(e.signer.key)
}

package registry

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	// refreshLife and accessLife are how long tokens of a registry last.
	refreshLife = 3 * time.Hour
	accessLife  = 75 * time.Minute
	// tokenUser is the user name with which a refresh token is a password.
	tokenUser = "00000000-0000-0000-0000-000000000000"
	// administrator is the subject of tokens of the registry's administrator.
	administrator = "administrator"
	maxForm       = 1 << 20

	refreshToken, accessToken = "refresh_token", "access_token"
)

// claims of the tokens of a registry. Those of an access token say what it permits.
type claims struct {
	jwt.RegisteredClaims
	GrantType string        `json:"grant_type"`
	Access    []accessClaim `json:"access,omitempty"`
}

// accessClaim permits actions on a repository, or on the catalog of the registry.
type accessClaim struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// errLogin is the answer to unknown callers, and to those without rights.
var errLogin = errors.New("authentication required, visit https://aka.ms/acr/authorization for more information")

// errNoKey is why no token is made for a registry that an earlier release has made.
var errNoKey = errors.New("the registry has no key for tokens: write it again, as it is")

func (s *Service) sign(r *resources.Resource, c claims, life time.Duration) (string, error) {
	key, now := secretOf(r, "key"), s.Now()
	if key == "" {
		return "", errNoKey
	}
	c.Issuer, c.Audience = "Azure Container Registry", jwt.ClaimStrings{hostOf(r)}
	c.IssuedAt, c.NotBefore, c.ExpiresAt = jwt.NewNumericDate(now), jwt.NewNumericDate(now), jwt.NewNumericDate(now.Add(life))
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(key))
}

// read returns the claims of a token that this registry has issued for one use.
func (s *Service) read(r *resources.Resource, token, grant string) (*claims, error) {
	c := &claims{}
	if secretOf(r, "key") == "" {
		return nil, errLogin
	}
	_, err := jwt.ParseWithClaims(token, c, func(*jwt.Token) (any, error) { return []byte(secretOf(r, "key")), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithAudience(hostOf(r)), jwt.WithTimeFunc(s.Now))
	if err != nil || c.GrantType != grant {
		return nil, errLogin
	}
	return c, nil
}

// exchange answers /oauth2/exchange: a token of Entra ID for a refresh token of the registry.
func (s *Service) exchange(w http.ResponseWriter, q *http.Request, r *resources.Resource) error {
	q.Body = http.MaxBytesReader(w, q.Body, maxForm)
	if q.Method != http.MethodPost || q.ParseForm() != nil || !strings.HasPrefix(q.PostForm.Get("grant_type"), accessToken) {
		return errLogin
	}
	if service, _, _ := strings.Cut(q.PostForm.Get("service"), ":"); !arm.EqualFold(service, hostOf(r)) {
		return errLogin
	}
	caller, err := s.Tokens.Verify(q.PostForm.Get(accessToken))
	if err != nil || !slices.Contains([]string{audience, s.Manager}, strings.TrimRight(caller.Audience, "/")) {
		return errLogin
	}
	if !s.may(q.Context(), r, caller.ObjectID, "pull") && !s.may(q.Context(), r, caller.ObjectID, "push") {
		return errLogin
	}
	token, err := s.sign(r, claims{RegisteredClaims: jwt.RegisteredClaims{Subject: caller.ObjectID}, GrantType: refreshToken}, refreshLife)
	if err != nil {
		return err
	}
	answer(w, object{refreshToken: token})
	return nil
}

// token answers /oauth2/token: a login, or a refresh token, for an access token of a scope.
func (s *Service) token(w http.ResponseWriter, q *http.Request, r *resources.Resource) error {
	q.Body = http.MaxBytesReader(w, q.Body, maxForm)
	if q.ParseForm() != nil {
		return errLogin
	}
	user, password, basic := q.BasicAuth()
	if !basic {
		user, password = q.PostForm.Get("username"), q.PostForm.Get("password")
		if q.PostForm.Get("grant_type") == refreshToken {
			user, password = tokenUser, q.PostForm.Get(refreshToken)
		}
	}
	subject, err := s.login(r, user, password)
	if err != nil {
		return err
	}
	var scopes []string
	for _, scope := range q.Form["scope"] {
		scopes = append(scopes, strings.Fields(scope)...)
	}
	c := claims{RegisteredClaims: jwt.RegisteredClaims{Subject: subject}, GrantType: accessToken, Access: s.grant(q.Context(), r, subject, scopes)}
	token, err := s.sign(r, c, accessLife)
	if err != nil {
		return err
	}
	answer(w, object{accessToken: token})
	return nil
}

// login is the subject of a user name and a password: the administrator's, or the principal
// that got a refresh token.
func (s *Service) login(r *resources.Resource, user, password string) (string, error) {
	if user == tokenUser {
		c, err := s.read(r, password, refreshToken)
		if err != nil {
			return "", err
		}
		return c.Subject, nil
	}
	if r.Get("adminUserEnabled") == true && arm.EqualFold(user, r.Name) {
		for _, name := range passwords() {
			if subtle.ConstantTimeCompare([]byte(password), []byte(secretOf(r, name))) == 1 {
				return administrator, nil
			}
		}
	}
	return "", errLogin
}

// grant is the part of the scopes that a subject may have. A scope is TYPE:NAME:ACTION,….
func (s *Service) grant(ctx context.Context, r *resources.Resource, subject string, scopes []string) []accessClaim {
	var all []accessClaim
	for _, scope := range scopes {
		kind, rest, _ := strings.Cut(scope, ":")
		at := strings.LastIndex(rest, ":")
		if at < 0 {
			continue
		}
		one := accessClaim{Type: kind, Name: rest[:at]}
		for action := range strings.SplitSeq(rest[at+1:], ",") {
			if s.may(ctx, r, subject, action) {
				one.Actions = append(one.Actions, action)
			}
		}
		if len(one.Actions) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// may reports whether a subject may do an action of a scope, by its roles.
func (s *Service) may(ctx context.Context, r *resources.Resource, subject, action string) bool {
	if subject == administrator {
		return r.Get("adminUserEnabled") == true
	}
	right := map[string]string{"pull": "pull/read", "*": "pull/read", "metadata_read": "pull/read", "push": "push/write", "delete": "artifacts/delete"}[action]
	if right == "" {
		return false
	}
	allowed, _, err := s.Access.Check(ctx, subject, registryType+"/"+right, r.ID)
	return err == nil && allowed
}

// permits reports whether a token permits an action.
func (c *claims) permits(kind, name, action string) bool {
	return slices.ContainsFunc(c.Access, func(one accessClaim) bool {
		return one.Type == kind && one.Name == name && slices.Contains(one.Actions, action)
	})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

package entra

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	fetchTimeout = 10 * time.Second
	// keysFor is how long an issuer's keys are cached; an unknown key causes another request, but
	// not more often than keysAgain.
	keysFor     = 5 * time.Minute
	keysAgain   = 10 * time.Second
	maxDocument = 1 << 20
	maxIssuers  = 1000
)

// FederatedCredentials reads the federated credentials of a managed identity, which
// are resources of ARM.
type FederatedCredentials interface {
	FederatedCredentials(ctx context.Context, identityResourceID string) ([]FederatedCredential, error)
}

// FederatedCredential trusts the tokens of another issuer for one subject.
type FederatedCredential struct {
	Issuer    string
	Subject   string
	Audiences []string
}

// checkFederated returns why the token of another issuer is refused as a credential of a managed
// identity.
func (e *Entra) checkFederated(ctx context.Context, sp ServicePrincipal, claims jwt.RegisteredClaims, assertion string) *oauthError {
	if failure := e.matchFederated(ctx, sp, claims); failure != nil {
		return failure
	}
	_, err := e.parse(assertion, &claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return e.issuers.key(ctx, claims.Issuer, kid)
	})
	var outside *issuerError
	if errors.As(err, &outside) {
		return &oauthError{http.StatusUnauthorized, "invalid_client", 50166, fmt.Sprintf("Request to External OIDC endpoint failed: %s.", outside.text)}
	}
	if err != nil {
		return refusedAssertion(err)
	}
	return nil
}

func (e *Entra) matchFederated(ctx context.Context, sp ServicePrincipal, claims jwt.RegisteredClaims) *oauthError {
	var credentials []FederatedCredential
	if e.Federated != nil && sp.ResourceID != "" {
		var err error
		if credentials, err = e.Federated.FederatedCredentials(ctx, sp.ResourceID); err != nil {
			return unavailable()
		}
	}
	refuse := func(number int, what, presented string) *oauthError {
		return &oauthError{http.StatusUnauthorized, "invalid_client", number, fmt.Sprintf("No matching federated identity record found for presented assertion %s '%s'. "+
			"Check your federated identity credential Subject, Audience and Issuer against the presented assertion.", what, presented)}
	}
	if len(credentials) == 0 {
		return &oauthError{http.StatusBadRequest, "unauthorized_client", 70025, fmt.Sprintf("The client '%s' has no configured federated identity credentials.", sp.AppID)}
	}
	keep := func(matches func(FederatedCredential) bool) []FederatedCredential {
		return slices.DeleteFunc(slices.Clone(credentials), func(c FederatedCredential) bool { return !matches(c) })
	}
	if credentials = keep(func(c FederatedCredential) bool { return c.Issuer == claims.Issuer }); len(credentials) == 0 {
		return refuse(700211, "issuer", claims.Issuer)
	}
	if credentials = keep(func(c FederatedCredential) bool { return c.Subject == claims.Subject }); len(credentials) == 0 {
		return refuse(700213, "subject", claims.Subject)
	}
	match := func(c FederatedCredential) bool {
		return slices.ContainsFunc(claims.Audience, func(a string) bool { return slices.Contains(c.Audiences, a) })
	}
	if credentials = keep(match); len(credentials) == 0 {
		return refuse(700212, "audience", strings.Join(claims.Audience, ","))
	}
	return nil
}

// issuerError is a failure of the other issuer, not of the token.
type issuerError struct{ text string }

func (e *issuerError) Error() string { return e.text }

// issuerCache keeps the keys of other issuers.
type issuerCache struct {
	client *http.Client
	now    func() time.Time
	mu     sync.Mutex
	keys   map[string]issuerKeys
}

type issuerKeys struct {
	at   time.Time
	byID map[string]*rsa.PublicKey
}

func newIssuerCache(client *http.Client, now func() time.Time) *issuerCache {
	return &issuerCache{client: client, now: now, keys: map[string]issuerKeys{}}
}

func (c *issuerCache) key(ctx context.Context, issuer, id string) (*rsa.PublicKey, error) {
	c.mu.Lock()
	known, ok := c.keys[issuer]
	c.mu.Unlock()
	age := c.now().Sub(known.at)
	key := known.byID[id]
	if !ok || age > keysFor || key == nil && age > keysAgain {
		fetched, err := c.fetch(ctx, issuer)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		if len(c.keys) >= maxIssuers {
			clear(c.keys)
		}
		c.keys[issuer] = issuerKeys{at: c.now(), byID: fetched}
		c.mu.Unlock()
		key = fetched[id]
	}
	if key == nil {
		return nil, errors.New("the issuer has no key of this id")
	}
	return key, nil
}

func (c *issuerCache) fetch(ctx context.Context, issuer string) (map[string]*rsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	var configuration struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := c.get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &configuration); err != nil {
		return nil, err
	}
	if configuration.Issuer != issuer {
		return nil, &issuerError{"the issuer of the OpenID configuration is another one"}
	}
	var set struct {
		Keys []struct {
			KeyType  string `json:"kty"`
			ID       string `json:"kid"`
			Modulus  string `json:"n"`
			Exponent string `json:"e"`
		} `json:"keys"`
	}
	if err := c.get(ctx, configuration.Keys, &set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err1 := base64.RawURLEncoding.DecodeString(k.Modulus)
		e, err2 := base64.RawURLEncoding.DecodeString(k.Exponent)
		if k.KeyType != "RSA" || err1 != nil || err2 != nil || len(e) > 4 {
			continue // a key of a kind that no token may be signed with
		}
		keys[k.ID] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return keys, nil
}

func (c *issuerCache) get(ctx context.Context, address string, into any) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" {
		return &issuerError{"the address is no https URL"}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return &issuerError{"the address is malformed"}
	}
	response, err := c.client.Do(request)
	if err != nil {
		return &issuerError{err.Error()}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return &issuerError{fmt.Sprintf("%s answers %d", address, response.StatusCode)}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDocument)).Decode(into); err != nil {
		return &issuerError{fmt.Sprintf("%s is no JSON document", address)}
	}
	return nil
}

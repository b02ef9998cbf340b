package portal

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/aro-rp/aro/httpserver"
)

// assertionLifetime is how long a proof of the portal's application is good.
const assertionLifetime = 5 * time.Minute

// entra logs users in at Entra ID, by OpenID Connect's authorization code flow.
type entra struct {
	Login
	redirect string
	now      func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider
}

// person is the logged-in user, from the ID token.
type person struct {
	ObjectID string   `json:"oid"`
	Username string   `json:"preferred_username"`
	Groups   []string `json:"groups"`
}

// found is Entra ID as it describes itself, read at the first login.
func (e *entra) found(ctx context.Context) (*oidc.Provider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.provider != nil {
		return e.provider, nil
	}
	// The provider reads keys later, and so must not end with this request.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), e.Client), e.Issuer)
	if err != nil {
		return nil, fmt.Errorf("entra ID does not describe itself: %w", err)
	}
	e.provider = provider
	return provider, nil
}

func (e *entra) config(p *oidc.Provider) oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return oauth2.Config{ClientID: e.ClientID, Endpoint: endpoint, RedirectURL: e.redirect, Scopes: []string{oidc.ScopeOpenID, "profile"}}
}

// address is where a browser begins an attempt.
func (e *entra) address(ctx context.Context, a attempt) (string, error) {
	p, err := e.found(ctx)
	if err != nil {
		return "", err
	}
	cfg := e.config(p)
	return cfg.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// redeem turns the code of an attempt into the person who logged in.
func (e *entra) redeem(ctx context.Context, code string, a attempt) (person, error) {
	var who person
	p, err := e.found(ctx)
	if err != nil {
		return who, err
	}
	cfg := e.config(p)
	assertion, err := e.assertion(ctx, cfg.Endpoint.TokenURL)
	if err != nil {
		return who, fmt.Errorf("prove the portal's application: %w", err)
	}
	ctx = oidc.ClientContext(ctx, e.Client)
	token, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier),
		oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), oauth2.SetAuthURLParam("client_assertion", assertion))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.ErrorCode == "invalid_grant" {
		return who, &httpserver.Refusal{Status: http.StatusForbidden, Target: "code", Message: "Entra ID does not accept the code: it was used before, or is too old. Log in again.", Cause: err}
	}
	if err != nil {
		return who, fmt.Errorf("redeem the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return who, errors.New("entra ID sent no ID token")
	}
	verified, err := p.Verifier(&oidc.Config{ClientID: e.ClientID, Now: e.now}).Verify(ctx, raw)
	switch {
	case err != nil:
		return who, fmt.Errorf("ID token: %w", err)
	case verified.Nonce != a.Nonce:
		return who, errors.New("the ID token is of another login")
	}
	if err := verified.Claims(&who); err != nil {
		return who, fmt.Errorf("ID token: %w", err)
	}
	if who.ObjectID == "" || who.Username == "" {
		return who, errors.New("the ID token names no user")
	}
	return who, nil
}

// assertion proves the portal's application by its certificate.
func (e *entra) assertion(ctx context.Context, audience string) (string, error) {
	certificate, err := e.Certificate(ctx)
	if err != nil {
		return "", err
	}
	now := e.now()
	token := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.RegisteredClaims{
		Issuer: e.ClientID, Subject: e.ClientID, Audience: jwt.ClaimStrings{audience}, ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(assertionLifetime)),
	})
	name(token, certificate)
	return token.SignedString(certificate.PrivateKey)
}

// name puts the certificate that verifies a token into its header: tokens of first-party
// applications are accepted by the certificate's subject.
func name(token *jwt.Token, certificate *tls.Certificate) {
	chain := make([]string, len(certificate.Certificate))
	for i, der := range certificate.Certificate {
		chain[i] = base64.StdEncoding.EncodeToString(der)
	}
	sum := sha256.Sum256(certificate.Certificate[0])
	token.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	token.Header["x5c"] = chain
}

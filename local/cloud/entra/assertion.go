package entra

import (
	"context"
	"crypto/rsa"
	"crypto/sha1" // x5t is a SHA-1 thumbprint by definition
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/aro-rp/aro/arm"
)

var assertionMethods = []string{"RS256", "PS256"}

// checkAssertion returns why a client assertion is refused. An assertion that the client issued
// itself is verified by a certificate, one of another issuer by a federated credential.
func (e *Entra) checkAssertion(ctx context.Context, app Application, sp ServicePrincipal, assertion string) *oauthError {
	var claims jwt.RegisteredClaims
	token, _, err := jwt.NewParser().ParseUnverified(assertion, &claims)
	if err != nil {
		return &oauthError{http.StatusBadRequest, "invalid_request", 50027, "JWT token is invalid or malformed."}
	}
	if !arm.EqualFold(claims.Issuer, app.AppID) {
		return e.checkFederated(ctx, sp, claims, assertion)
	}
	certificate, why := e.provingCertificate(app, sp, token)
	if certificate == nil {
		return &oauthError{http.StatusUnauthorized, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application. " + why}
	}
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return &oauthError{http.StatusUnauthorized, "invalid_client", 700027, "The certificate that signed the client assertion has no RSA key."}
	}
	if _, err = e.parse(assertion, &claims, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
		return refusedAssertion(err)
	}
	if !slices.ContainsFunc(claims.Audience, e.isTokenEndpoint) {
		return &oauthError{http.StatusUnauthorized, "invalid_client", 700023, fmt.Sprintf("Client assertion audience claim does not match Realm issuer. Expected audience is '%s/%s/oauth2/v2.0/token'.", e.Origin, e.Tenant)}
	}
	if !arm.EqualFold(claims.Subject, app.AppID) {
		return &oauthError{http.StatusUnauthorized, "invalid_client", 700021, "Client assertion application identifier doesn't match 'client_id' parameter."}
	}
	return nil
}

func (e *Entra) parse(assertion string, claims jwt.Claims, key jwt.Keyfunc) (*jwt.Token, error) {
	return jwt.ParseWithClaims(assertion, claims, key, jwt.WithValidMethods(assertionMethods), jwt.WithTimeFunc(e.Now), jwt.WithLeeway(5*time.Minute), jwt.WithExpirationRequired())
}

func refusedAssertion(err error) *oauthError {
	if errors.Is(err, jwt.ErrTokenExpired) || errors.Is(err, jwt.ErrTokenNotValidYet) {
		return &oauthError{http.StatusUnauthorized, "invalid_client", 700024, "Client assertion is not within its valid time range."}
	}
	return &oauthError{http.StatusUnauthorized, "invalid_client", 700027, "Client assertion failed signature validation."}
}

// isTokenEndpoint accepts what clients write into aud: an endpoint or an issuer of a tenant.
func (e *Entra) isTokenEndpoint(audience string) bool {
	path, ok := strings.CutPrefix(audience, e.Origin)
	if !ok {
		return false
	}
	tenant, endpoint, _ := strings.Cut(strings.Trim(strings.ToLower(path), "/"), "/")
	exact, _ := e.known(tenant)
	switch endpoint {
	case "oauth2/token", "oauth2/v2.0/token":
		return exact
	case "", "v2.0":
		return exact && tenant != "adfs"
	}
	return false
}

// provingCertificate finds the certificate that an assertion's header names, if it
// is good for the client: registered as it is, or sent along, of a trusted authority
// and of a registered subject.
func (e *Entra) provingCertificate(app Application, sp ServicePrincipal, token *jwt.Token) (_ *x509.Certificate, why string) {
	for _, c := range app.Certificates {
		if len(c.DER) == 0 || !named(token.Header, c.DER) {
			continue
		}
		certificate, err := x509.ParseCertificate(c.DER)
		if err != nil {
			return nil, "The registered certificate cannot be read."
		}
		if e.Now().After(certificate.NotAfter) {
			return nil, "The registered certificate is expired."
		}
		return certificate, ""
	}
	chain := sentChain(token.Header)
	if len(chain) == 0 {
		return nil, "No certificate chain (x5c) was sent."
	}
	if !named(token.Header, chain[0].Raw) {
		return nil, "The thumbprint is not that of the certificate sent."
	}
	roots, subjects := e.Roots, []string{}
	if sp.Kind == KindManagedIdentity {
		roots, subjects = e.machine.pool, []string{sp.AppID}
	}
	for _, c := range app.Certificates {
		if c.Subject != "" {
			subjects = append(subjects, c.Subject)
		}
	}
	if !slices.Contains(subjects, chain[0].Subject.CommonName) {
		return nil, "No trusted subject name matches the certificate sent."
	}
	if roots == nil {
		return nil, "No authority is trusted."
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: e.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, "The certificate sent is not of a trusted authority, or not valid now."
	}
	return chain[0], ""
}

// named reports whether the header's thumbprints, at least one, are those of a certificate.
func named(header map[string]any, der []byte) bool {
	one, two := sha1.Sum(der), sha256.Sum256(der)
	x5t, has1 := header["x5t"].(string)
	x5t256, has2 := header["x5t#S256"].(string)
	kid, hasKid := header["kid"].(string)
	if !has1 && !has2 {
		return hasKid && arm.EqualFold(kid, fmt.Sprintf("%x", one))
	}
	return (!has1 || trimmed(x5t) == base64.RawURLEncoding.EncodeToString(one[:])) &&
		(!has2 || trimmed(x5t256) == base64.RawURLEncoding.EncodeToString(two[:]))
}

// trimmed makes any base64 the one of URLs without padding.
func trimmed(s string) string {
	return strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(s)
}

// sentChain reads x5c: a list, or one string as some clients send it.
func sentChain(header map[string]any) []*x509.Certificate {
	const longest = 8
	var list []any
	switch x5c := header["x5c"].(type) {
	case []any:
		list = x5c
	case string:
		list = []any{x5c}
	}
	var chain []*x509.Certificate
	for _, item := range list[:min(len(list), longest)] {
		text, _ := item.(string)
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil
		}
		chain = append(chain, certificate)
	}
	return chain
}

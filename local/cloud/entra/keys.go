package entra

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	kindKey = "entra/key"
	keyBits = 2048
	// lifetime of an access token; managed identities get longer ones in Azure, none needs them.
	lifetime = time.Hour
)

// storedKey is a private key in PKCS #8, with its certificate if it is an authority's.
type storedKey struct {
	Key         []byte `json:"key"`
	Certificate []byte `json:"certificate,omitempty"`
}

// loadKey reads a private key, or keeps a new one.
func loadKey(ctx context.Context, db *state.DB, name string, certify func(*rsa.PrivateKey) ([]byte, error)) (*rsa.PrivateKey, []byte, error) {
	var stored storedKey
	found, err := db.Get(ctx, kindKey, name, &stored)
	if err != nil {
		return nil, nil, err
	}
	if found {
		parsed, err := x509.ParsePKCS8PrivateKey(stored.Key)
		if err != nil {
			return nil, nil, err
		}
		key, ok := parsed.(*rsa.PrivateKey)
		if !ok {
			return nil, nil, fmt.Errorf("stored key is a %T", parsed)
		}
		return key, stored.Certificate, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, nil, err
	}
	if stored.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, nil, err
	}
	if certify != nil {
		if stored.Certificate, err = certify(key); err != nil {
			return nil, nil, err
		}
	}
	return key, stored.Certificate, db.Put(ctx, kindKey, name, stored)
}

// signer signs access tokens.
type signer struct {
	key *rsa.PrivateKey
	id  string
}

func loadSigner(ctx context.Context, db *state.DB) (*signer, error) {
	key, _, err := loadKey(ctx, db, "tokens", nil)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	return &signer{key: key, id: base64.RawURLEncoding.EncodeToString(sum[:20])}, nil
}

func (s *signer) jwk(issuer string) map[string]any {
	public := s.key.PublicKey
	return map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": s.id, "x5t": s.id, "issuer": issuer,
		"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
	}
}

// Caller is the principal of an access token.
type Caller struct {
	TenantID string
	ObjectID string // of the service principal
	AppID    string
	Audience string
}

type accessClaims struct {
	jwt.RegisteredClaims
	Audience         string `json:"aud"` // one string, not a list as RegisteredClaims writes it
	AppID            string `json:"appid"`
	AppIDAuth        string `json:"appidacr"`
	IdentityProvider string `json:"idp"`
	IDType           string `json:"idtyp"`
	ObjectID         string `json:"oid"`
	TenantID         string `json:"tid"`
	UTI              string `json:"uti"`
	Version          string `json:"ver"`
	MIResourceID     string `json:"xms_mirid,omitempty"`
}

// leeway is how much clocks of Entra ID and of those who take its tokens may differ.
const leeway = 5 * time.Minute

type skewKey struct{}

// WithSkew makes the clock by which tokens are issued to requests with this context go
// ahead by d, or behind.
func WithSkew(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, skewKey{}, d)
}

// issue signs an access token of a principal in a tenant for a resource.
func (e *Entra) issue(ctx context.Context, tenant string, p ServicePrincipal, audience, authentication string) (string, time.Time, error) {
	skew, _ := ctx.Value(skewKey{}).(time.Duration)
	now := e.Now().Add(skew)
	expires := now.Add(lifetime)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    e.issuer(tenant),
			Subject:   p.ObjectID,
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(expires),
		},
		Audience:         audience,
		AppID:            p.AppID,
		AppIDAuth:        authentication,
		IdentityProvider: e.issuer(tenant),
		IDType:           "app",
		ObjectID:         p.ObjectID,
		TenantID:         tenant,
		UTI:              strings.ReplaceAll(uuid.NewString(), "-", "")[:22],
		Version:          "1.0",
		MIResourceID:     p.ResourceID,
	})
	token.Header["kid"], token.Header["x5t"] = e.signer.id, e.signer.id
	signed, err := token.SignedString(e.signer.key)
	return signed, expires, err
}

// Verify returns the caller of an access token, if one of the tenants issued it and it is valid
// now. The called service checks the audience.
func (e *Entra) Verify(token string) (Caller, error) {
	var claims accessClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != e.signer.id {
			return nil, errors.New("signed with an unknown key")
		}
		return crypto.PublicKey(&e.signer.key.PublicKey), nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(e.Now), jwt.WithLeeway(leeway))
	if exact, _ := e.known(claims.TenantID); err == nil && (!exact || claims.Issuer != e.issuer(claims.TenantID)) {
		err = errors.New("issued by another tenant")
	}
	if err != nil {
		return Caller{}, fmt.Errorf("access token: %w", err)
	}
	return Caller{TenantID: claims.TenantID, ObjectID: claims.ObjectID, AppID: claims.AppID, Audience: claims.Audience}, nil
}

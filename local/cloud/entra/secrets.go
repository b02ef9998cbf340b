package entra

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// secretLength and hintLength are Entra ID's.
const (
	secretLength = 40
	hintLength   = 3
)

// AddPassword adds a client secret to an application and returns it, this once. It is valid until
// end; a zero end is two years away, as in Entra ID.
func (e *Entra) AddPassword(ctx context.Context, id, displayName string, end time.Time) (secret string, p Password, err error) {
	random := make([]byte, secretLength)
	if _, err := rand.Read(random); err != nil {
		return "", Password{}, err
	}
	// A dash at the start would look like a flag on a command line.
	secret = strings.NewReplacer("-", "x", "_", "y").Replace(base64.RawURLEncoding.EncodeToString(random)[:secretLength])
	p, err = e.SetPassword(ctx, id, displayName, secret, end)
	return secret, p, err
}

// SetPassword is AddPassword with a secret that is chosen: a seed that is to stay valid.
func (e *Entra) SetPassword(ctx context.Context, id, displayName, secret string, end time.Time) (Password, error) {
	if len(secret) < hintLength {
		return Password{}, fmt.Errorf("a client secret has at least %d characters", hintLength)
	}
	start := e.Now().UTC()
	if end.IsZero() {
		end = start.AddDate(2, 0, 0)
	}
	hash := sha256.Sum256([]byte(secret)) // random and long: no guessing by a dictionary
	p := Password{KeyID: uuid.NewString(), DisplayName: displayName, Hint: secret[:hintLength], Hash: hash[:], Start: start, End: end.UTC()}
	return p, e.ChangeApplication(ctx, id, func(app *Application) error {
		for _, old := range app.Passwords {
			if subtle.ConstantTimeCompare(old.Hash, p.Hash) == 1 && old.End.After(start) {
				p = old
				return nil
			}
		}
		app.Passwords = append(app.Passwords, p)
		return nil
	})
}

// AddCertificate lets an application prove itself with any certificate of the common
// name that a trusted authority signed; that is how first parties renew without a change here.
func (e *Entra) AddCertificate(ctx context.Context, id, subject string) error {
	return e.addCertificate(ctx, id, Certificate{Subject: subject})
}

// AddKey lets an application prove itself with one certificate.
func (e *Entra) AddKey(ctx context.Context, id string, der []byte) error {
	return e.addCertificate(ctx, id, Certificate{DER: der})
}

func (e *Entra) addCertificate(ctx context.Context, id string, c Certificate) error {
	c.KeyID = uuid.NewString()
	return e.ChangeApplication(ctx, id, func(app *Application) error {
		for _, old := range app.Certificates {
			if old.Subject == c.Subject && string(old.DER) == string(c.DER) {
				return nil
			}
		}
		app.Certificates = append(app.Certificates, c)
		return nil
	})
}

// checkSecret returns why a client secret is refused.
func (e *Entra) checkSecret(app Application, secret string) *oauthError {
	hash := sha256.Sum256([]byte(secret))
	for _, p := range app.Passwords {
		if subtle.ConstantTimeCompare(p.Hash, hash[:]) != 1 {
			continue
		}
		if e.Now().After(p.End) {
			return &oauthError{http.StatusUnauthorized, "invalid_client", 7000222, fmt.Sprintf("The provided client secret keys for app '%s' are expired. Create new keys for your app.", app.AppID)}
		}
		return nil
	}
	return &oauthError{http.StatusUnauthorized, "invalid_client", 7000215, fmt.Sprintf("Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", app.AppID)}
}

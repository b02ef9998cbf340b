package portal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The cookies. Browsers keep the prefix from other hosts and from plain HTTP.
const (
	sessionCookie = "__Host-session"
	loginCookie   = "__Host-login"
)

// How long what was given out is good.
const (
	sessionLifetime    = time.Hour
	kubeconfigLifetime = 6 * time.Hour
	loginLifetime      = 10 * time.Minute
)

// accesses are the sessions and credentials that the portal issued. A document is found by the hash
// of the secret that its holder presents, so that read access to the database gives no access to
// the portal.
type accesses struct {
	documents *store.Collection[store.PortalDocument]
	seal      armhttp.Sealer
	now       func() time.Time
}

// session is one that lasts.
type session struct {
	model.PortalAccess
	secret string
}

// csrf is the token of the session's forms.
func (s *session) csrf() string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte("forms"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// holder is the partition of a person's accesses.
func holder(objectID string) string {
	sum := sha256.Sum256([]byte(objectID))
	return hex.EncodeToString(sum[:8])
}

func idOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// grant stores an access for a time, and returns its secret.
func (a accesses) grant(ctx context.Context, access model.PortalAccess, lifetime time.Duration) (secret string, err error) {
	secret = holder(access.ObjectID) + "." + rand.Text()
	access.CreatedAt = a.now().UTC()
	access.ExpiresAt = access.CreatedAt.Add(lifetime)
	doc := &store.PortalDocument{Meta: store.Meta{ID: idOf(secret), Partition: holder(access.ObjectID), TTL: int(lifetime.Seconds())}, Portal: access}
	return secret, a.documents.Create(ctx, doc)
}

// find returns what a secret is good for, nil if it is good for nothing of the kind.
func (a accesses) find(ctx context.Context, secret string, kind model.PortalAccessKind) (*model.PortalAccess, error) {
	partition, _, ok := strings.Cut(secret, ".")
	if !ok || len(partition) != 16 || strings.Trim(partition, "0123456789abcdef") != "" {
		return nil, nil
	}
	return a.lasting(ctx, partition, idOf(secret), kind)
}

func (a accesses) lasting(ctx context.Context, partition, id string, kind model.PortalAccessKind) (*model.PortalAccess, error) {
	doc, err := a.documents.View(ctx, partition, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (doc.Portal.Kind != kind || !doc.Portal.ExpiresAt.After(a.now())) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &doc.Portal, nil
}

// revoke ends an access, if there is one.
func (a accesses) revoke(ctx context.Context, partition, id string) error {
	return store.RetryOnPreconditionFailed(ctx, func() error {
		doc, err := a.documents.Get(ctx, partition, id)
		if err == nil {
			err = a.documents.Delete(ctx, doc)
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
}

// session returns the one of a request, nil if there is none.
func (a accesses) session(x *httpserver.Exchange) (*session, error) {
	secret, ok := a.cookie(x, sessionCookie)
	if !ok {
		return nil, nil
	}
	access, err := a.find(x.Ctx(), secret, model.PortalSession)
	if access == nil || err != nil {
		return nil, err
	}
	return &session{PortalAccess: *access, secret: secret}, nil
}

// cookie opens a sealed cookie.
func (a accesses) cookie(x *httpserver.Exchange, name string) (string, bool) {
	cookie, err := x.Request().Cookie(name)
	if err != nil {
		return "", false
	}
	return a.seal.Open(x.Ctx(), cookie.Value, []byte(name))
}

// setCookie sets a cookie with an encrypted value; an empty value removes it. Browsers do not send
// it with other sites' requests, except when a user follows a link.
func (a accesses) setCookie(x *httpserver.Exchange, name, value string, lifetime time.Duration) error {
	cookie := &http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1}
	if value != "" {
		sealed, err := a.seal.Seal(value, []byte(name))
		if err != nil {
			return err
		}
		cookie.Value, cookie.MaxAge = sealed, int(lifetime.Seconds())
	}
	x.SetCookie(cookie)
	return nil
}

package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
)

// The cookies. Browsers keep the prefix from other hosts and from plain HTTP.
const (
	sessionCookie = "__Host-session"
	loginCookie   = "__Host-login"
)

// How long what was given out is good.
const (
	sessionLifetime = time.Hour
	loginLifetime   = 10 * time.Minute
)

// accesses are those of the package access, with the cookies of the portal.
type accesses struct {
	access.Accesses
	seal armhttp.Sealer
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

// session returns the one of a request, nil if there is none.
func (a accesses) session(x *httpserver.Exchange) (*session, error) {
	secret, ok := a.cookie(x, sessionCookie)
	if !ok {
		return nil, nil
	}
	found, err := a.Find(x.Ctx(), secret, model.PortalSession)
	if found == nil || err != nil {
		return nil, err
	}
	return &session{PortalAccess: *found, secret: secret}, nil
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

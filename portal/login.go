package portal

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/portal"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
)

// attempt is a login in progress, in an encrypted cookie of the browser.
type attempt struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Redirect string    `json:"redirect"`
	Until    time.Time `json:"until"`
}

// PortalLogin sends the browser to Entra ID.
func (p *Portal) PortalLogin(ec echo.Context, params api.PortalLoginParams) error {
	c := ec.(*call)
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(), Redirect: localPath(text(params.Redirect)), Until: p.Now().Add(loginLifetime)}
	kept, err := json.Marshal(a)
	if err != nil {
		return err
	}
	address, err := p.entra.address(c.Ctx(), a)
	if err != nil {
		return err
	}
	if err := p.access.setCookie(c.Exchange, loginCookie, string(kept), loginLifetime); err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, address)
}

// PortalCallback begins the session of a person that Entra ID sent back.
func (p *Portal) PortalCallback(ec echo.Context, params api.PortalCallbackParams) error {
	c := ec.(*call)
	a, ok := p.attempt(c)
	if !ok { // a bookmark, or a login that took too long
		return c.Redirect(http.StatusFound, "/login")
	}
	if err := p.access.setCookie(c.Exchange, loginCookie, "", 0); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(a.State), []byte(text(params.State))) != 1 {
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "state", Message: "The answer is not of the login that this browser began. Log in again."}
	}
	if code := text(params.Error); code != "" {
		p.Logger.WarnContext(c.Ctx(), "Entra ID refused a login", "error", httpserver.ShortText(code), "description", arm.Plain(text(params.ErrorDescription), 512))
		return &httpserver.Refusal{Status: http.StatusForbidden, Message: "Entra ID did not log you in: " + httpserver.ShortText(code) + "."}
	}
	who, err := p.entra.redeem(c.Ctx(), text(params.Code), a)
	if err != nil {
		return err
	}
	c.Principal = httpserver.ShortText(who.Username)
	elevated := who.in(p.Login.Elevated)
	if !elevated && !who.in(p.Login.Access) {
		return &httpserver.Refusal{Status: http.StatusForbidden, Message: "You are logged in at Entra ID, but in none of the groups that may use the portal."}
	}
	// A login always begins a new session.
	if old, ok := p.access.cookie(c.Exchange, sessionCookie); ok {
		if err := p.end(c, old); err != nil {
			return err
		}
	}
	secret, err := p.access.Grant(c.Ctx(), model.PortalAccess{Kind: model.PortalSession, ObjectID: who.ObjectID, Username: who.Username, Elevated: elevated}, sessionLifetime)
	if err != nil {
		return err
	}
	if err := p.access.setCookie(c.Exchange, sessionCookie, secret, sessionLifetime); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, a.Redirect)
}

func (p *Portal) attempt(c *call) (attempt, bool) {
	var a attempt
	kept, ok := p.access.cookie(c.Exchange, loginCookie)
	ok = ok && json.Unmarshal([]byte(kept), &a) == nil && a.Until.After(p.Now())
	return a, ok
}

// end ends a session.
func (p *Portal) end(c *call, secret string) error {
	found, err := p.access.Find(c.Ctx(), secret, model.PortalSession)
	if found == nil || err != nil {
		return err
	}
	return p.access.Revoke(c.Ctx(), access.Holder(found.ObjectID), access.ID(secret))
}

// PortalLogout ends the session of the request's cookie.
func (p *Portal) PortalLogout(ec echo.Context) error {
	c := ec.(*call)
	if err := p.end(c, c.session.secret); err != nil {
		return err
	}
	if err := p.access.setCookie(c.Exchange, sessionCookie, "", 0); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/loggedout")
}

// PortalShowLoggedOut shows that no user is logged in.
func (p *Portal) PortalShowLoggedOut(ec echo.Context) error {
	c := ec.(*call)
	v := p.page(c, "Logged out")
	return v.show(c, v.loggedOut())
}

// PortalGetInfo returns the logged-in user.
func (p *Portal) PortalGetInfo(ec echo.Context) error {
	c := ec.(*call)
	return c.JSONPretty(http.StatusOK, api.Info{Location: p.Location, Csrf: c.session.csrf(), Elevated: c.session.Elevated, Username: c.session.Username, Rpversion: p.Build}, "    ")
}

// in reports whether a person is in one of the groups.
func (w person) in(groups []string) bool {
	return slices.ContainsFunc(groups, func(group string) bool {
		return slices.ContainsFunc(w.Groups, func(g string) bool { return arm.EqualFold(g, group) })
	})
}

// text is the value of an optional parameter.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

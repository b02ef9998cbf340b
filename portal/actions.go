package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"path"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/portal/actions"
)

// isAction reports whether a request tries or runs an action, which lasts as long as the admin API lets it.
func isAction(r *http.Request) bool {
	return r.Method == http.MethodPost && arm.EqualFold(path.Base(path.Dir(r.URL.Path)), "actions")
}

// PortalShowActions lists what can be done to a cluster.
func (p *Portal) PortalShowActions(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	doc, err := p.view(c)
	if err != nil {
		return err
	}
	v := p.page(c, doc.Cluster.Name)
	l := actions.List{Catalogue: p.actions, Cluster: c.clusterID().String(), ClusterName: doc.Cluster.Name, Elevated: c.session.Elevated}
	return v.show(c, v.ofCluster(c.clusterID(), tabActions, l.Show()))
}

// actionForm is the form of the action of the path, still empty.
func (p *Portal) actionForm(c *call, name string) (*actions.Form, error) {
	doc, err := p.view(c)
	if err != nil {
		return nil, err
	}
	action := p.actions.Find(name)
	if action == nil {
		return nil, &httpserver.Refusal{Status: http.StatusNotFound, Target: "action", Message: "The admin API has no such operation on a cluster."}
	}
	return &actions.Form{Action: action, Cluster: c.clusterID().String(), ClusterName: doc.Cluster.Name, CSRF: c.session.csrf(), Elevated: c.session.Elevated}, nil
}

// PortalShowAction shows the form of an action, filled from the query.
func (p *Portal) PortalShowAction(ec echo.Context, _, _, _ string, name string) error {
	c := ec.(*call)
	f, err := p.actionForm(c, name)
	if err != nil {
		return err
	}
	f.Values = f.Prefilled(c.QueryParams())
	return p.showAction(c, f, http.StatusOK)
}

// showAction shows the page of a form as its answer comes.
func (p *Portal) showAction(c *call, f *actions.Form, status int) error {
	v := p.page(c, f.ClusterName)
	return v.stream(c, status, v.ofAction(c.clusterID(), f))
}

// PortalRunAction tries an action or, if the person has seen what it would do, runs it.
func (p *Portal) PortalRunAction(ec echo.Context, _, _, _ string, name string) error {
	c := ec.(*call)
	f, err := p.actionForm(c, name)
	if err != nil {
		return err
	}
	f.Values = actions.Values(c.Request().PostForm)
	f.Ran = f.Values.Get("step") == "run"
	c.Subject, c.DryRun = f.Name, !f.Ran
	whole, err := f.Action.Request(f.Cluster, f.Values, false)
	if wrong, ok := errors.AsType[*arm.Error](err); ok {
		body := wrong.Body()
		f.Problem = &actions.Problem{Code: body.Code, Message: body.Message, Target: body.Target}
		return p.showAction(c, f, http.StatusBadRequest)
	}
	if err != nil {
		return err
	}
	confirm := c.session.confirmation(whole)
	switch {
	case !f.Ran:
		f.Confirm = confirm
	case f.Changes() && subtle.ConstantTimeCompare([]byte(f.Values.Get("confirm")), []byte(confirm)) != 1:
		return &httpserver.Refusal{Status: http.StatusConflict, Target: "confirm", Message: "What changes a cluster is tried first, with the same parameters. Go back and begin with that."}
	}
	if f.Request = whole; !f.Ran && !f.DryRun {
		return p.showAction(c, f, http.StatusOK)
	}
	if p.Admin == nil {
		return &httpserver.Refusal{Status: http.StatusNotImplemented, Message: "This process has no admin API."}
	}
	sent, err := f.Action.Request(f.Cluster, f.Values, !f.Ran)
	if err != nil {
		return err
	}
	req, err := sent.HTTP(c.Ctx(), actions.Person{Name: c.session.Username, Elevated: c.session.Elevated, Correlation: c.Correlation()})
	if err != nil {
		return err
	}
	f.Answer = actions.Send(p.Admin, req)
	defer func() { _ = f.Answer.Body.Close() }()
	status := http.StatusOK
	if f.Answer.Failed() {
		status = f.Answer.Status
	}
	return p.showAction(c, f, status)
}

// confirmation is the token of a request that the session's person has seen.
func (s *session) confirmation(r *actions.Request) string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte("confirm " + r.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

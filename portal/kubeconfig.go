package portal

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/portal"
	"github.com/aro-rp/aro/httpserver"
)

// PortalCreateKubeconfig returns a kubeconfig that connects through the portal.
func (p *Portal) PortalCreateKubeconfig(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	doc, err := p.view(c)
	if err != nil {
		return err
	}
	elevated := c.Request().PostFormValue("elevated") != ""
	if elevated && !c.session.Elevated {
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "elevated", Message: "Elevated access is required: you are in none of the groups that may act as administrators of clusters."}
	}
	content, id, err := p.issuer.Kubeconfig(c.Ctx(), c.session.person(), &doc.Cluster, elevated)
	if err != nil {
		return err
	}
	c.Subject = "kubeconfig " + id[:16]
	name := doc.Cluster.Name
	if elevated {
		name += "-elevated"
	}
	c.Response().Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+".kubeconfig"))
	return c.Blob(http.StatusOK, "application/yaml", content)
}

// person is who the session is of.
func (s *session) person() access.Person {
	return access.Person{ObjectID: s.ObjectID, Name: s.Username}
}

// PortalRevokeKubeconfig ends a kubeconfig of the reader, and what uses it.
func (p *Portal) PortalRevokeKubeconfig(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	id := c.Request().PostFormValue("id")
	if len(id) != len(access.ID("")) || strings.Trim(id, "0123456789abcdef") != "" {
		return arm.InvalidParameter.At("id", "The id is not one of a kubeconfig.")
	}
	c.Subject = "kubeconfig " + id[:16]
	if err := p.access.Revoke(c.Ctx(), access.Holder(c.session.ObjectID), id); err != nil {
		return err
	}
	p.recent.revoke(id)
	p.streams.cut(id)
	return c.Redirect(http.StatusSeeOther, c.clusterID().String())
}

// PortalCreateSSH gives out a login to a machine.
func (p *Portal) PortalCreateSSH(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	doc, err := p.view(c)
	if err != nil {
		return err
	}
	master, err := strconv.Atoi(c.Request().PostFormValue("master"))
	if err != nil || master < 0 || master >= access.Masters {
		return arm.InvalidParameter.At("master", "It must be the number of a control plane machine, from 0 to %d.", access.Masters-1)
	}
	c.Subject = fmt.Sprintf("ssh master-%d", master)
	switch {
	case !c.session.Elevated:
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "master", Message: "Elevated access is required: you are in none of the groups that may act as administrators of clusters."}
	case p.SSHAddress == "":
		return &httpserver.Refusal{Status: http.StatusNotImplemented, Message: "This portal has no SSH server: it runs without --ssh-listen."}
	}
	login, err := p.issuer.SSH(c.Ctx(), c.session.person(), &doc.Cluster, master)
	if err != nil {
		return err
	}
	if !strings.Contains(c.Header("Accept"), "text/html") {
		return c.JSONPretty(http.StatusOK, api.SSHLogin{Command: login.Command, Password: login.Password}, "    ")
	}
	v := p.page(c, doc.Cluster.Name)
	return v.show(c, v.sshLogin(c.clusterID(), master, login))
}

package admin

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/httpserver"
)

// AdminCreateKubeconfig gives out a kubeconfig with the rights of those who run the service.
func (a *API) AdminCreateKubeconfig(ec echo.Context, _, _, _ string) error {
	return a.createKubeconfig(ec.(*call), false)
}

// AdminCreateElevatedKubeconfig gives out one of an administrator.
func (a *API) AdminCreateElevatedKubeconfig(ec echo.Context, _, _, _ string) error {
	return a.createKubeconfig(ec.(*call), true)
}

func (a *API) createKubeconfig(c *call, elevated bool) error {
	if a.Portal == nil {
		return errNoPortal()
	}
	cluster, err := a.cluster(c)
	if err != nil {
		return err
	}
	content, id, err := a.Portal.Kubeconfig(c.Ctx(), person(c), cluster, elevated)
	if err != nil {
		return err
	}
	c.Subject = "kubeconfig " + id[:16]
	c.Response().Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", cluster.Name+".kubeconfig"))
	return c.Blob(http.StatusOK, "application/yaml", content)
}

// AdminCreateSSH gives out a password for SSH to a machine.
func (a *API) AdminCreateSSH(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	var machine struct {
		Master *int `json:"master"`
	}
	if err := c.strict(&machine); err != nil {
		return err
	}
	if machine.Master == nil || *machine.Master < 0 || *machine.Master >= access.Masters {
		return arm.InvalidParameter.At("master", "It must be the number of a control plane machine, from 0 to %d.", access.Masters-1)
	}
	c.Subject = fmt.Sprintf("ssh master-%d", *machine.Master)
	if a.Portal == nil || a.Portal.SSHAddress == "" {
		return errNoPortal()
	}
	cluster, err := a.cluster(c)
	if err != nil {
		return err
	}
	login, err := a.Portal.SSH(c.Ctx(), person(c), cluster, *machine.Master)
	if err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, api.SSHLogin{Command: login.Command, Password: login.Password})
}

// person is who gets what the API gives out: the one on whose behalf a tool calls, as it reports.
// What people get here is not among what they get in the portal, where who they are is proven.
func person(c *call) access.Person {
	name := cmp.Or(httpserver.ShortText(c.Principal), "admin")
	return access.Person{ObjectID: "admin API: " + name, Name: name}
}

func errNoPortal() error {
	return arm.RequestNotAllowed.Errorf("This process does not know the portal, or its SSH server. It needs --portal-origin, and for SSH --portal-ssh-address.")
}

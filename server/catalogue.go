package server

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/model"
)

// OpenShiftVersionsList lists the versions of OpenShift that are offered.
func (s *Server) OpenShiftVersionsList(ec echo.Context) error {
	c := ec.(*call)
	known, err := s.Catalogue.Offer(c.Ctx())
	if err != nil {
		return err
	}
	encoder := c.version.Version.(openShiftVersionEncoder)
	items := make([]json.RawMessage, len(known.Versions))
	for i, v := range known.Versions {
		if items[i], err = encoder.EncodeOpenShiftVersion(publicVersion(v)); err != nil {
			return err
		}
	}
	return c.page(items, "")
}

// OpenShiftVersionsGet returns one of them.
func (s *Server) OpenShiftVersionsGet(ec echo.Context) error {
	c := ec.(*call)
	known, err := s.Catalogue.Offer(c.Ctx())
	if err != nil {
		return err
	}
	name := c.Param("openShiftVersion")
	for _, v := range known.Versions {
		if v.Properties.Version == name {
			body, err := c.version.Version.(openShiftVersionEncoder).EncodeOpenShiftVersion(publicVersion(v))
			if err != nil {
				return err
			}
			return c.json(http.StatusOK, body)
		}
	}
	return arm.ResourceNotFound.Errorf("The OpenShift version was not found. List the versions that are offered.")
}

// PlatformWorkloadIdentityRoleSetsList lists the role sets.
func (s *Server) PlatformWorkloadIdentityRoleSetsList(ec echo.Context) error {
	c := ec.(*call)
	known, err := s.Catalogue.Offer(c.Ctx())
	if err != nil {
		return err
	}
	encoder := c.version.Version.(roleSetEncoder)
	items := make([]json.RawMessage, len(known.RoleSets))
	for i, r := range known.RoleSets {
		if items[i], err = encoder.EncodeRoleSet(publicRoleSet(r)); err != nil {
			return err
		}
	}
	return c.page(items, "")
}

// PlatformWorkloadIdentityRoleSetGet returns one of them.
func (s *Server) PlatformWorkloadIdentityRoleSetGet(ec echo.Context) error {
	c := ec.(*call)
	known, err := s.Catalogue.Offer(c.Ctx())
	if err != nil {
		return err
	}
	minor := c.Param("openShiftMinorVersion")
	for _, r := range known.RoleSets {
		if r.Properties.OpenShiftVersion == minor {
			body, err := c.version.Version.(roleSetEncoder).EncodeRoleSet(publicRoleSet(r))
			if err != nil {
				return err
			}
			return c.json(http.StatusOK, body)
		}
	}
	return arm.ResourceNotFound.Errorf("The role set was not found. List the role sets that exist.")
}

// publicVersion returns the entry as customers see it: like that of the existing
// service, without an id (O11).
func publicVersion(v *model.OpenShiftVersion) *model.OpenShiftVersion {
	public := *v
	public.ID, public.Name, public.Type = "", v.Properties.Version, catalogue.VersionType
	return &public
}

func publicRoleSet(r *model.PlatformWorkloadIdentityRoleSet) *model.PlatformWorkloadIdentityRoleSet {
	public := *r
	public.ID, public.Name, public.Type = "", r.Properties.OpenShiftVersion, catalogue.RoleSetType
	return &public
}

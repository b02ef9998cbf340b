package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/catalogue"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
)

// AdminListVersions lists all versions, enabled or not.
func (a *API) AdminListVersions(ec echo.Context) error {
	c := ec.(*call)
	all, err := a.Catalogue.Versions(c.Ctx())
	if err != nil {
		return err
	}
	list := api.VersionList{Value: make([]api.Version, 0, len(all))}
	for _, name := range all.Names() {
		list.Value = append(list.Value, a.version(all[name]))
	}
	return armhttp.Value(c, http.StatusOK, list)
}

// version returns all members of a version, and why it is not offered although it is enabled.
func (a *API) version(p model.OpenShiftVersionProperties) api.Version {
	return api.Version{
		ID: present(p.Version), Name: present(p.Version), Type: present(catalogue.VersionType),
		Properties: api.VersionProperties{
			Version: p.Version, OpenShiftPullspec: p.OpenShiftPullspec, InstallerPullspec: present(p.InstallerPullspec),
			Enabled: &p.Enabled, Default: &p.Default, NotInstallable: present(a.Installable.Why(&p)),
		},
	}
}

// AdminPutVersion creates a version or replaces it.
func (a *API) AdminPutVersion(ec echo.Context) error {
	c := ec.(*call)
	var body api.Version
	if err := c.strict(&body); err != nil {
		return err
	}
	p := body.Properties
	c.Subject = p.Version
	version := model.OpenShiftVersionProperties{
		Version: p.Version, OpenShiftPullspec: p.OpenShiftPullspec,
		Enabled: p.Enabled != nil && *p.Enabled, Default: p.Default != nil && *p.Default,
	}
	if p.InstallerPullspec != nil {
		version.InstallerPullspec = *p.InstallerPullspec
	}
	var f arm.Faults
	version.Validate(a.Installable, &f)
	sameEnvelope(&f, body.Name, body.Type, p.Version, catalogue.VersionType)
	if err := f.Err(); err != nil {
		return err
	}
	created, err := a.Catalogue.PutVersion(c.Ctx(), version)
	if err != nil {
		return err
	}
	return armhttp.Value(c, answered(created), a.version(version))
}

// AdminListRoleSets lists all role sets.
func (a *API) AdminListRoleSets(ec echo.Context) error {
	c := ec.(*call)
	all, err := a.Catalogue.RoleSets(c.Ctx())
	if err != nil {
		return err
	}
	list := api.RoleSetList{Value: make([]api.RoleSet, len(all))}
	for i, set := range all {
		list.Value[i] = roleSet(&set.Properties)
	}
	return armhttp.Value(c, http.StatusOK, list)
}

func roleSet(p *model.RoleSetProperties) api.RoleSet {
	out := api.RoleSet{ID: present(p.OpenShiftVersion), Name: present(p.OpenShiftVersion), Type: present(catalogue.RoleSetType)}
	out.Properties.OpenShiftVersion = p.OpenShiftVersion
	out.Properties.PlatformWorkloadIdentityRoles = make([]api.Role, len(p.PlatformWorkloadIdentityRoles))
	for i, role := range p.PlatformWorkloadIdentityRoles {
		out.Properties.PlatformWorkloadIdentityRoles[i] = api.Role{
			OperatorName: role.OperatorName, RoleDefinitionName: role.RoleDefinitionName,
			RoleDefinitionID: role.RoleDefinitionID, ServiceAccounts: role.ServiceAccounts,
		}
		if l := role.SecretLocation; l != nil {
			out.Properties.PlatformWorkloadIdentityRoles[i].SecretLocation = &api.SecretLocation{Namespace: l.Namespace, Name: l.Name}
		}
	}
	return out
}

// AdminPutRoleSet creates the role set of a minor version or replaces it.
func (a *API) AdminPutRoleSet(ec echo.Context) error {
	c := ec.(*call)
	var body api.RoleSet
	if err := c.strict(&body); err != nil {
		return err
	}
	c.Subject = body.Properties.OpenShiftVersion
	set := model.RoleSetProperties{OpenShiftVersion: body.Properties.OpenShiftVersion,
		PlatformWorkloadIdentityRoles: modelRoles(body.Properties.PlatformWorkloadIdentityRoles)}
	var f arm.Faults
	set.Validate(&f)
	sameEnvelope(&f, body.Name, body.Type, set.OpenShiftVersion, catalogue.RoleSetType)
	if err := f.Err(); err != nil {
		return err
	}
	created, err := a.Catalogue.PutRoleSet(c.Ctx(), set)
	if err != nil {
		return err
	}
	return armhttp.Value(c, answered(created), roleSet(&set))
}

func modelRoles(body []api.Role) []model.PlatformWorkloadIdentityRole {
	roles := make([]model.PlatformWorkloadIdentityRole, len(body))
	for i, r := range body {
		roles[i] = model.PlatformWorkloadIdentityRole{OperatorName: r.OperatorName, RoleDefinitionName: r.RoleDefinitionName,
			RoleDefinitionID: r.RoleDefinitionID, ServiceAccounts: r.ServiceAccounts}
		if l := r.SecretLocation; l != nil {
			roles[i].SecretLocation = &model.SecretLocation{Namespace: l.Namespace, Name: l.Name}
		}
	}
	return roles
}

// sameEnvelope lets name and type be repeated but not changed.
func sameEnvelope(f *arm.Faults, name, kind *string, wantName, wantKind string) {
	if name != nil && *name != wantName {
		f.Add(arm.PropertyChangeNotAllowed, "name", "The name is the version and cannot be another.")
	}
	if kind != nil && !arm.EqualFold(*kind, wantKind) {
		f.Add(arm.PropertyChangeNotAllowed, "type", "The type is %s and cannot be another.", wantKind)
	}
}

package server

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

var minorVersion = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)$`)

// catalogueLimit is more entries than there will be versions.
const catalogueLimit = 1000

// AdminListVersions lists all versions, enabled or not.
func (a adminAPI) AdminListVersions(ec echo.Context) error {
	c := ec.(*call)
	docs, _, err := a.s.Store.Versions.List(c.ctx(), store.Query{Partition: store.VersionsPartition, Limit: catalogueLimit})
	if err != nil {
		return err
	}
	slices.SortFunc(docs, func(x, y *store.VersionDocument) int { return compareVersions(x.ID, y.ID) })
	list := admin.VersionList{Value: make([]admin.Version, len(docs))}
	for i, doc := range docs {
		list.Value[i] = a.version(&doc.Version)
	}
	return c.value(http.StatusOK, list)
}

// version tells of a version all there is, and why it is not offered although it
// is enabled.
func (a adminAPI) version(v *model.OpenShiftVersion) admin.Version {
	p := &v.Properties
	return admin.Version{
		ID: present(v.ID), Name: present(p.Version), Type: present(versionType),
		Properties: admin.VersionProperties{
			Version: p.Version, OpenShiftPullspec: p.OpenShiftPullspec, InstallerPullspec: present(p.InstallerPullspec),
			Enabled: &p.Enabled, Default: &p.Default, NotInstallable: present(a.s.Installable.Why(p)),
		},
	}
}

// AdminPutVersion creates a version or replaces it.
func (a adminAPI) AdminPutVersion(ec echo.Context) error {
	c := ec.(*call)
	var told admin.Version
	if err := c.strict(&told); err != nil {
		return err
	}
	p := told.Properties
	c.subject = p.Version
	version := model.OpenShiftVersionProperties{
		Version: p.Version, OpenShiftPullspec: p.OpenShiftPullspec,
		Enabled: p.Enabled != nil && *p.Enabled, Default: p.Default != nil && *p.Default,
	}
	if p.InstallerPullspec != nil {
		version.InstallerPullspec = *p.InstallerPullspec
	}
	var f arm.Faults
	version.Validate(a.s.Installable, &f)
	sameEnvelope(&f, told.Name, told.Type, p.Version, versionType)
	if err := f.Err(); err != nil {
		return err
	}
	status, v, err := a.writeVersion(c, version)
	if err != nil {
		return err
	}
	if version.Default {
		if err := a.onlyDefault(c, p.Version); err != nil {
			return err
		}
	}
	a.s.catalogue.expire()
	return c.value(status, a.version(v))
}

func (a adminAPI) writeVersion(c *call, want model.OpenShiftVersionProperties) (int, *model.OpenShiftVersion, error) {
	fresh := store.NewVersion(want.Version)
	fresh.Version = model.OpenShiftVersion{ID: want.Version, Name: want.Version, Type: versionType, Properties: want}
	err := a.s.Store.Versions.Create(c.ctx(), fresh)
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) {
		return http.StatusCreated, &fresh.Version, err
	}
	doc, err := a.s.Store.Versions.Update(c.ctx(), store.VersionsPartition, want.Version, func(doc *store.VersionDocument) error {
		have := &doc.Version.Properties
		if have.Default && !want.Enabled {
			return arm.InvalidParameter.At("properties.enabled", "The default version cannot be disabled. Make another one the default first.")
		}
		have.OpenShiftPullspec, have.InstallerPullspec = want.OpenShiftPullspec, want.InstallerPullspec
		have.Enabled, have.Default = want.Enabled, want.Default
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, &doc.Version, nil
}

// onlyDefault takes the mark from every other version.
func (a adminAPI) onlyDefault(c *call, version string) error {
	docs, _, err := a.s.Store.Versions.List(c.ctx(), store.Query{Partition: store.VersionsPartition, Limit: catalogueLimit})
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if doc.ID == version || !doc.Version.Properties.Default {
			continue
		}
		_, err := a.s.Store.Versions.Update(c.ctx(), store.VersionsPartition, doc.ID, func(doc *store.VersionDocument) error {
			doc.Version.Properties.Default = false
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// AdminListRoleSets lists all role sets.
func (a adminAPI) AdminListRoleSets(ec echo.Context) error {
	c := ec.(*call)
	docs, _, err := a.s.Store.RoleSets.List(c.ctx(), store.Query{Partition: store.RoleSetsPartition, Limit: catalogueLimit})
	if err != nil {
		return err
	}
	slices.SortFunc(docs, func(x, y *store.RoleSetDocument) int { return compareVersions(x.ID, y.ID) })
	list := admin.RoleSetList{Value: make([]admin.RoleSet, len(docs))}
	for i, doc := range docs {
		list.Value[i] = adminRoleSet(&doc.RoleSet)
	}
	return c.value(http.StatusOK, list)
}

func adminRoleSet(r *model.PlatformWorkloadIdentityRoleSet) admin.RoleSet {
	p := &r.Properties
	out := admin.RoleSet{ID: present(r.ID), Name: present(p.OpenShiftVersion), Type: present(roleSetType)}
	out.Properties.OpenShiftVersion = p.OpenShiftVersion
	out.Properties.PlatformWorkloadIdentityRoles = make([]admin.Role, len(p.PlatformWorkloadIdentityRoles))
	for i, role := range p.PlatformWorkloadIdentityRoles {
		out.Properties.PlatformWorkloadIdentityRoles[i] = admin.Role{
			OperatorName: role.OperatorName, RoleDefinitionName: role.RoleDefinitionName,
			RoleDefinitionID: role.RoleDefinitionID, ServiceAccounts: role.ServiceAccounts,
		}
		if l := role.SecretLocation; l != nil {
			out.Properties.PlatformWorkloadIdentityRoles[i].SecretLocation = &admin.SecretLocation{Namespace: l.Namespace, Name: l.Name}
		}
	}
	return out
}

// AdminPutRoleSet creates the role set of a minor version or replaces it.
func (a adminAPI) AdminPutRoleSet(ec echo.Context) error {
	c := ec.(*call)
	var told admin.RoleSet
	if err := c.strict(&told); err != nil {
		return err
	}
	if err := judgeRoleSet(&told); err != nil {
		return err
	}
	minor := told.Properties.OpenShiftVersion
	c.subject = minor
	roles := modelRoles(told.Properties.PlatformWorkloadIdentityRoles)
	doc := store.NewRoleSet(minor)
	doc.RoleSet = model.PlatformWorkloadIdentityRoleSet{ID: minor, Name: minor, Type: roleSetType,
		Properties: model.RoleSetProperties{OpenShiftVersion: minor, PlatformWorkloadIdentityRoles: roles}}
	status, err := http.StatusCreated, a.s.Store.RoleSets.Create(c.ctx(), doc)
	var conflict *store.ConflictError
	if errors.As(err, &conflict) {
		status = http.StatusOK
		doc, err = a.s.Store.RoleSets.Update(c.ctx(), store.RoleSetsPartition, minor, func(doc *store.RoleSetDocument) error {
			doc.RoleSet.Properties.PlatformWorkloadIdentityRoles = roles
			return nil
		})
	}
	if err != nil {
		return err
	}
	a.s.catalogue.expire()
	return c.value(status, adminRoleSet(&doc.RoleSet))
}

func judgeRoleSet(told *admin.RoleSet) error {
	var f arm.Faults
	if !minorVersion.MatchString(told.Properties.OpenShiftVersion) {
		f.Add(arm.InvalidParameter, "properties.openShiftVersion", "The version must have the form major.minor.")
	}
	const path = "properties.platformWorkloadIdentityRoles"
	if len(told.Properties.PlatformWorkloadIdentityRoles) == 0 {
		f.Add(arm.InvalidParameter, path, "A role set needs at least one role.")
	}
	for i, role := range told.Properties.PlatformWorkloadIdentityRoles {
		at := path + "[" + strconv.Itoa(i) + "]."
		required(&f, at+"operatorName", role.OperatorName)
		required(&f, at+"roleDefinitionName", role.RoleDefinitionName)
		required(&f, at+"roleDefinitionId", role.RoleDefinitionID)
		required(&f, at+"serviceAccounts", strings.Join(role.ServiceAccounts, ""))
	}
	sameEnvelope(&f, told.Name, told.Type, told.Properties.OpenShiftVersion, roleSetType)
	return f.Err()
}

func modelRoles(told []admin.Role) []model.PlatformWorkloadIdentityRole {
	roles := make([]model.PlatformWorkloadIdentityRole, len(told))
	for i, r := range told {
		roles[i] = model.PlatformWorkloadIdentityRole{OperatorName: r.OperatorName, RoleDefinitionName: r.RoleDefinitionName,
			RoleDefinitionID: r.RoleDefinitionID, ServiceAccounts: r.ServiceAccounts}
		if l := r.SecretLocation; l != nil {
			roles[i].SecretLocation = &model.SecretLocation{Namespace: l.Namespace, Name: l.Name}
		}
	}
	return roles
}

func required(f *arm.Faults, target, value string) {
	if value == "" {
		f.Add(arm.InvalidParameter, target, "The member is required.")
	}
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

package model

import (
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/aro-rp/aro/arm"
)

const (
	servicePrincipalTarget   = "properties.servicePrincipalProfile"
	workloadTarget           = "properties.platformWorkloadIdentityProfile"
	workloadIdentitiesTarget = workloadTarget + ".platformWorkloadIdentities"
	identitiesTarget         = "identity.userAssignedIdentities"
	userAssigned             = "UserAssigned"
)

// UsesWorkloadIdentity reports whether each operator of the cluster has its own
// identity, instead of a shared service principal.
func (c *Cluster) UsesWorkloadIdentity() bool {
	return c.Properties.PlatformWorkloadIdentityProfile != nil && !c.hasServicePrincipal()
}

// hasServicePrincipal ignores the empty profile that a workload-identity cluster
// may have.
func (c *Cluster) hasServicePrincipal() bool {
	p := c.Properties.ServicePrincipalProfile
	return p != nil && (p.ClientID != "" || p.ClientSecret != "" || c.Properties.PlatformWorkloadIdentityProfile == nil)
}

func (c *Cluster) hasIdentity() bool {
	return c.Identity != nil && !arm.EqualFold(c.Identity.Type, "None")
}

// ManagedResourceGroupKey returns the managed resource group in lower case. It is
// unique in a subscription.
func (c *Cluster) ManagedResourceGroupKey() string {
	return arm.ToLower(c.Properties.ClusterProfile.ResourceGroupID)
}

// ClientIdentity returns the identity with which the cluster accesses Azure, and the
// member that has it: the client id of its service principal or the resource id of
// its identity. It is empty for a cluster that has neither.
func (c *Cluster) ClientIdentity() (member, id string) {
	if c.hasServicePrincipal() {
		return servicePrincipalTarget + ".clientId", c.Properties.ServicePrincipalProfile.ClientID
	}
	if c.Identity == nil {
		return identitiesTarget, ""
	}
	return identitiesTarget, at(sortedKeys(c.Identity.UserAssignedIdentities), 0)
}

// ClientIdentityKey returns the client identity in the form that is unique in a
// subscription.
func (c *Cluster) ClientIdentityKey() string {
	_, id := c.ClientIdentity()
	return arm.ToLower(id)
}

// identity validates that the cluster has exactly one kind of identity.
func (v *validation) identity() {
	if !v.changed(func(c *Cluster) any {
		return []any{c.hasServicePrincipal(), c.Properties.PlatformWorkloadIdentityProfile != nil, c.hasIdentity(), identityTypeAndIDs(c)}
	}) {
		return
	}
	workload := v.c.Properties.PlatformWorkloadIdentityProfile != nil
	switch {
	case workload && v.c.hasServicePrincipal():
		v.fault(servicePrincipalTarget, "A cluster has either a service principal or platform workload identities. Remove one of the two profiles.")
	case !workload && v.c.Properties.ServicePrincipalProfile == nil:
		v.fault(servicePrincipalTarget, "A cluster needs a service principal or platform workload identities. Add one of the two profiles.")
	}
	if v.old != nil && v.c.UsesWorkloadIdentity() != v.old.UsesWorkloadIdentity() {
		v.faults.Add(arm.PropertyChangeNotAllowed, workloadTarget,
			"A cluster keeps the way it acts in Azure: with a service principal or with workload identities. Create another cluster instead.")
	}
	switch {
	case workload && !v.c.hasIdentity():
		v.fault("identity", "A cluster with platform workload identities needs an identity with one user-assigned identity.")
	case !workload && v.c.hasIdentity():
		v.fault("identity", "Only a cluster with platform workload identities has an identity. Remove it, or add platformWorkloadIdentityProfile.")
	case workload:
		v.userAssignedIdentity()
	}
}

func identityTypeAndIDs(c *Cluster) []string {
	if c.Identity == nil {
		return nil
	}
	return append([]string{c.Identity.Type}, sortedKeys(c.Identity.UserAssignedIdentities)...)
}

func (v *validation) userAssignedIdentity() {
	if !arm.EqualFold(v.c.Identity.Type, userAssigned) {
		v.refuse("identity.type", v.c.Identity.Type, "The type of the identity must be %s.", userAssigned)
	}
	ids := sortedKeys(v.c.Identity.UserAssignedIdentities)
	if len(ids) != 1 {
		v.fault("identity", "There are %d user-assigned identities. The cluster needs exactly one.", len(ids))
		return
	}
	if _, ok := parseID(userIdentityForm, ids[0]); !ok {
		v.refuse(identitiesTarget, ids[0], "The key must be the resource id of a user-assigned identity.")
	}
}

func (v *validation) servicePrincipal() {
	of := func(c *Cluster) ServicePrincipalProfile {
		if c.hasServicePrincipal() {
			return *c.Properties.ServicePrincipalProfile
		}
		return ServicePrincipalProfile{}
	}
	if !v.c.hasServicePrincipal() || !v.changed(func(c *Cluster) any { return []any{of(c).ClientID, of(c).ClientSecret} }) {
		return
	}
	if !arm.ValidUUID(of(v.c).ClientID) {
		v.fault(servicePrincipalTarget+".clientId", "%s is not allowed. The client id must be the UUID of an application. It is shown as appId.", arm.SentUUID(of(v.c).ClientID))
	}
	switch secret := of(v.c).ClientSecret; {
	case secret == "":
		v.fault(servicePrincipalTarget+".clientSecret", "The client secret cannot be empty. Send a valid secret of the application.")
	case len(secret) > maxClientSecret:
		v.fault(servicePrincipalTarget+".clientSecret", "The client secret has %d bytes. It can have at most %d: "+
			"those of Microsoft Entra ID have 16 to 64 characters. Send the value of a secret of the application.", len(secret), maxClientSecret)
	}
}

func (v *validation) workloadIdentities() {
	p := v.c.Properties.PlatformWorkloadIdentityProfile
	if p == nil {
		return
	}
	if p.UpgradeableTo != "" && !fullVersion(p.UpgradeableTo) && v.changed(func(c *Cluster) any { return workload(c).UpgradeableTo }) {
		v.refuse(workloadTarget+".upgradeableTo", p.UpgradeableTo, "The version must have the form x.y.z.")
	}
	if !v.changed(func(c *Cluster) any { return identityIDs(c) }) {
		return
	}
	stored := map[string]string{}
	if v.old != nil {
		stored = identityIDs(v.old)
	}
	now := identityIDs(v.c)
	if len(now) == 0 && len(stored) == 0 {
		v.fault(workloadIdentitiesTarget, "There must be an identity for each platform operator.")
	}
	v.keptOperators(now, stored)
	v.operatorIdentities(now, stored)
}

// workload returns the workload identity profile, empty if there is none.
func workload(c *Cluster) PlatformWorkloadIdentityProfile {
	if p := c.Properties.PlatformWorkloadIdentityProfile; p != nil {
		return *p
	}
	return PlatformWorkloadIdentityProfile{}
}

// identityIDs returns the resource id of each operator's identity.
func identityIDs(c *Cluster) map[string]string {
	ids := map[string]string{}
	for operator, identity := range workload(c).PlatformWorkloadIdentities {
		ids[operator] = ""
		if identity != nil {
			ids[operator] = identity.ResourceID
		}
	}
	return ids
}

// keptOperators rejects the removal of the identity of an operator.
func (v *validation) keptOperators(now, stored map[string]string) {
	for _, operator := range sortedKeys(stored) {
		if _, kept := now[operator]; !kept {
			v.faults.Add(arm.PropertyChangeNotAllowed, workloadIdentitiesTarget,
				"The identity of an operator can be replaced but not removed. Add %q again.", operator)
		}
	}
}

func (v *validation) operatorIdentities(now, stored map[string]string) {
	kept := func(operator string) bool {
		was, ok := stored[operator]
		return ok && was == now[operator]
	}
	users := map[string]string{}
	for _, operator := range sortedKeys(now) {
		if !kept(operator) {
			v.operatorIdentity(operator, now[operator])
		}
		key := arm.ToLower(now[operator])
		if other, taken := users[key]; taken && key != "" && !(kept(operator) && kept(other)) {
			v.fault(workloadIdentitiesTarget, "Operators %q and %q use the same identity. Give each its own.", other, operator)
		}
		users[key] = operator
	}
}

func (v *validation) operatorIdentity(operator, id string) {
	target := workloadIdentitiesTarget + `["` + operator + `"]`
	if operator == "" {
		v.fault(target, "The name of an operator cannot be empty.")
	}
	if _, ok := parseID(userIdentityForm, id); !ok {
		v.refuse(target+".resourceId", id, "The value must be the resource id of a user-assigned identity.")
	}
}

// RoleSetVersions returns the minor versions, such as 4.17, for whose roles
// identities are needed: that of the cluster, and that of upgradeableTo if it is
// newer. It is empty for a cluster without workload identities or version.
func (c *Cluster) RoleSetVersions() []string {
	current := minorVersion(c.Properties.ClusterProfile.Version)
	if !c.UsesWorkloadIdentity() || current == "" {
		return nil
	}
	versions := []string{current}
	if next := minorVersion(workload(c).UpgradeableTo); semver.Compare("v"+next, "v"+current) > 0 {
		versions = append(versions, next)
	}
	return versions
}

// MinorSource returns the member, and its value, that makes the cluster need the
// roles of a minor version.
func (c *Cluster) MinorSource(minor string) (target, value string) {
	if current := c.Properties.ClusterProfile.Version; minorVersion(current) == minor || !c.UsesWorkloadIdentity() {
		return "properties.clusterProfile.version", current
	}
	return workloadTarget + ".upgradeableTo", workload(c).UpgradeableTo
}

// ValidateRoles adds a fault unless the operators with identities are exactly those
// of the role sets that the cluster needs. sets may contain other role sets. It is
// for creates, and for updates that change the identities or upgradeableTo.
func (c *Cluster) ValidateRoles(sets []*PlatformWorkloadIdentityRoleSet, f *arm.Faults) {
	versions := c.RoleSetVersions()
	required := map[string]bool{}
	before := f.Len()
	for _, version := range versions {
		set := findRoleSet(sets, version)
		if set == nil {
			f.Add(arm.InvalidParameter, "properties.clusterProfile.version", "OpenShift %s has no platform workload identity role set. Choose a version that has one.", version)
			continue
		}
		for _, role := range set.Properties.PlatformWorkloadIdentityRoles {
			required[role.OperatorName] = true
		}
	}
	if len(versions) == 0 || f.Len() > before {
		return
	}
	names := sortedKeys(required)
	if given := sortedKeys(identityIDs(c)); !slices.Equal(names, given) {
		f.Add(arm.PlatformWorkloadIdentityMismatch, workloadIdentitiesTarget,
			"OpenShift %s needs identities for exactly these operators: %s. The identities are of: %s.", strings.Join(versions, " and "), strings.Join(names, ", "), arm.Sent(strings.Join(given, ", ")))
	}
}

func findRoleSet(sets []*PlatformWorkloadIdentityRoleSet, version string) *PlatformWorkloadIdentityRoleSet {
	for _, set := range sets {
		if set != nil && set.Properties.OpenShiftVersion == version {
			return set
		}
	}
	return nil
}

// fullVersion reports whether s is a semantic version with three numbers.
func fullVersion(s string) bool {
	v := "v" + s
	return semver.IsValid(v) && semver.Canonical(v) == strings.TrimSuffix(v, semver.Build(v))
}

// minorVersion returns the x.y of a version, empty if it is not a version.
func minorVersion(s string) string {
	return strings.TrimPrefix(semver.MajorMinor("v"+s), "v")
}

// olderThan compares releases; a candidate counts as its release. A version that
// cannot be parsed is not older.
func olderThan(version, least string) bool {
	v := "v" + version
	if least == "" || !semver.IsValid(v) {
		return false
	}
	v, _, _ = strings.Cut(v, "-")
	return semver.Compare(v, "v"+least) < 0
}

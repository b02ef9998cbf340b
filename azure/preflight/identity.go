package preflight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

const (
	principalTarget = "properties.servicePrincipalProfile"
	operatorsTarget = "properties.platformWorkloadIdentityProfile.platformWorkloadIdentities"
	// forbiddenRole would allow the cluster to change applications of the tenant.
	forbiddenRole = "Application.ReadWrite.OwnedBy"
	// federationRole is the built-in role of cluster identities.
	federationRole = "ef318e2a-8334-4a05-9e4a-295a196c6a6e"
	// audience is that of the cluster's service account tokens.
	audience = "openshift"
)

// identities finds the cluster's identities, and checks that tokens can be issued
// for them.
func (r *run) identities(ctx context.Context, found *report) {
	if r.c.UsesWorkloadIdentity() {
		r.clusterIdentity(ctx, found)
		r.operatorIdentities(ctx, found)
	} else {
		r.servicePrincipal(ctx, found)
	}
	token, err := r.azure.Token(ctx, r.azure.FirstParty(r.c.Internal.TenantID))
	if azure.UnknownApplication(err) {
		found.add(arm.InvalidResourceProviderPermissions, "", "The service has no service principal in the cluster's tenant. Register the resource provider again: az provider register --namespace Microsoft.RedHatOpenShift.")
		return
	}
	if err != nil {
		found.explain(err, r.about)
		return
	}
	if claims(token, "The service", "", found) {
		r.subjects = append(r.subjects, subject{kind: theService, who: "The service (Azure Red Hat OpenShift RP)", code: arm.InvalidResourceProviderPermissions, token: token})
	}
}

// claims checks that a token names a subject; target is the member with the
// identity, if the customer sets it.
func claims(token, who, target string, found *report) bool {
	c, err := azure.ReadClaims(token)
	switch {
	case err != nil:
		found.add(arm.InvalidServicePrincipalToken, target, "%s got a token from Entra ID that cannot be read: %s. Check the application's token configuration in Entra ID.", who, err)
	case c.ObjectID == "" && c.AltSecID == "" && c.PUID == "":
		found.add(arm.InvalidServicePrincipalClaims, target, "%s got a token from Entra ID that names no subject. Create its service principal in the cluster's tenant.", who)
	default:
		return true
	}
	return false
}

func (r *run) servicePrincipal(ctx context.Context, found *report) {
	p := r.c.Properties.ServicePrincipalProfile
	if p == nil {
		found.add(arm.InvalidServicePrincipalCredentials, principalTarget, "The cluster has no service principal. Give it one.")
		return
	}
	who := "The cluster's service principal " + p.ClientID
	cred, err := r.azure.ServicePrincipal(r.c.Internal.TenantID, p.ClientID, p.ClientSecret)
	if err != nil {
		found.add(arm.InvalidServicePrincipalCredentials, principalTarget, "%s has no usable client id and secret. Correct them.", who)
		return
	}
	token, err := r.azure.Token(ctx, cred)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	if claims(token, who, principalTarget, found) {
		r.subjects = append(r.subjects, subject{kind: servicePrincipal, who: who, code: arm.InvalidServicePrincipalPermissions, token: token})
	}
	r.graphRoles(ctx, cred, who, found)
}

// graphRoles rejects a principal that could change the tenant's applications.
func (r *run) graphRoles(ctx context.Context, cred azcore.TokenCredential, who string, found *report) {
	token, err := r.azure.GraphToken(ctx, cred)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	c, err := azure.ReadClaims(token)
	switch {
	case err != nil:
		found.add(arm.InvalidServicePrincipalCredentials, principalTarget, "%s got a token for Microsoft Graph that cannot be read: %s. Check the application's token configuration in Entra ID.", who, err)
	case slices.Contains(c.Roles, forbiddenRole):
		found.add(arm.InvalidServicePrincipalCredentials, principalTarget, "%s has the Microsoft Graph permission %s. Remove it: a cluster must not be able to change applications.", who, forbiddenRole)
	}
}

// clusterIdentity adds the cluster's identity as a subject: it must have the
// actions of its built-in role on every operator's identity.
func (r *run) clusterIdentity(ctx context.Context, found *report) {
	cred, err := r.azure.ClusterIdentity(ctx, r.c)
	if err != nil {
		found.err = err
		return
	}
	token, err := r.azure.Token(ctx, cred)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	actions, err := r.roleActions(ctx, "/providers/Microsoft.Authorization/roleDefinitions/"+federationRole)
	if err != nil {
		found.explain(err, r.about)
		return
	}
	r.subjects = append(r.subjects, subject{kind: clusterIdentity, who: "The cluster's identity", code: arm.InvalidClusterMSIPermissions, token: token, only: actions})
}

// roleActions returns all actions of a built-in role.
func (r *run) roleActions(ctx context.Context, id string) ([]string, error) {
	got, err := r.customer.RoleDefinitions.GetByID(ctx, strings.TrimPrefix(id, "/"), nil)
	if err != nil {
		return nil, fmt.Errorf("role definition %s: %w", id, err)
	}
	actions := []string{}
	if got.Properties == nil {
		return actions, nil
	}
	for _, p := range got.Properties.Permissions {
		for _, a := range slices.Concat(p.Actions, p.DataActions) {
			actions = append(actions, value(a))
		}
	}
	return actions, nil
}

// operators returns the names of operators with identities, sorted.
func (r *run) operators() []string {
	if p := r.c.Properties.PlatformWorkloadIdentityProfile; p != nil {
		return slices.Sorted(maps.Keys(p.PlatformWorkloadIdentities))
	}
	return nil
}

func (r *run) operator(name string) *model.PlatformWorkloadIdentity {
	if o := r.c.Properties.PlatformWorkloadIdentityProfile.PlatformWorkloadIdentities[name]; o != nil {
		return o
	}
	return &model.PlatformWorkloadIdentity{}
}

// operatorIdentities adds each operator's identity as a subject, if the operators
// are those of the cluster's versions.
func (r *run) operatorIdentities(ctx context.Context, found *report) {
	needed := map[string][]string{}
	for _, minor := range r.c.RoleSetVersions() {
		set, err := r.roleSets(ctx, minor)
		switch {
		case err != nil:
			found.err = cmp.Or(found.err, err)
			return
		case set == nil:
			target, sent := r.c.MinorSource(minor)
			found.add(arm.InvalidParameter, target, "%s: OpenShift %s cannot run with platform workload identities here. Choose another version.", arm.Sent(sent), minor)
			return
		}
		for _, role := range set.Properties.PlatformWorkloadIdentityRoles {
			needed[role.OperatorName] = append(needed[role.OperatorName], role.RoleDefinitionID)
		}
	}
	desired := slices.Sorted(maps.Keys(needed))
	if !slices.Equal(desired, r.operators()) {
		found.add(arm.PlatformWorkloadIdentityMismatch, operatorsTarget, "The operators are %s. Give one identity for each of %s, and no other.",
			cmp.Or(strings.Join(r.operators(), ", "), "none"), strings.Join(desired, ", "))
		return
	}
	for _, name := range desired {
		if r.operator(name).ObjectID == "" {
			found.err = cmp.Or(found.err, fmt.Errorf("the object id of operator %s's identity is not known yet", name))
			return
		}
		actions := []string{}
		for _, role := range needed[name] {
			some, err := r.roleActions(ctx, role)
			if err != nil {
				found.explain(err, r.about)
				return
			}
			actions = append(actions, some...)
		}
		r.subjects = append(r.subjects, subject{kind: operator, who: "The identity of operator " + name, code: arm.InvalidWorkloadIdentityPermissions,
			objectID: r.operator(name).ObjectID, only: actions})
	}
}

// operatorTarget returns the path of an operator's identity.
func operatorTarget(name string) string { return operatorsTarget + `["` + name + `"].resourceId` }

// federatedCredentials finds credentials on the operators' identities that are not
// this cluster's: their owner could act as the operators.
func (r *run) federatedCredentials(ctx context.Context, found *report) {
	cred, err := r.azure.ClusterIdentity(ctx, r.c)
	if err != nil {
		found.err = err
		return
	}
	for _, name := range r.operators() {
		if err := r.federatedCredentialsOf(ctx, cred, name, found); err != nil {
			found.explain(err, r.about)
		}
	}
}

func (r *run) federatedCredentialsOf(ctx context.Context, cred azcore.TokenCredential, name string, found *report) error {
	id := r.operator(name).ResourceID
	group, identity, ok := named(id)
	if !ok {
		found.add(arm.InvalidPlatformWorkloadIdentity, operatorTarget(name), "%q is not the id of a user-assigned identity. Correct it.", id)
		return nil
	}
	clients, err := r.azure.Clients(strings.Split(id, "/")[2], cred)
	if err != nil {
		return err
	}
	var foreign []string
	pager := clients.FederatedCredentials.NewListPager(group, identity, nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if azure.NotFound(err) {
			found.add(arm.InvalidPlatformWorkloadIdentity, operatorTarget(name), "The identity %q does not exist. Create it.", id)
			return nil
		}
		if err != nil {
			return err
		}
		for _, c := range page.Value {
			if p := c.Properties; p == nil || !r.ours(value(p.Issuer), p.Audiences) {
				foreign = append(foreign, value(c.Name))
			}
		}
	}
	if len(foreign) > 0 {
		found.add(arm.PlatformWorkloadIdentityContainsInvalidCredential, operatorTarget(name),
			"The identity %q has federated credentials that are not this cluster's: %s. Delete them, or use another identity.", id, strings.Join(foreign, ", "))
	}
	return nil
}

// ours reports whether a federated credential trusts this cluster.
func (r *run) ours(issuer string, audiences []*string) bool {
	mine := r.c.Properties.ClusterProfile.OIDCIssuer
	return mine != "" && strings.TrimRight(issuer, "/") == strings.TrimRight(mine, "/") && len(audiences) == 1 && value(audiences[0]) == audience
}

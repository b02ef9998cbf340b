package azure

import (
	"github.com/aro-rp/aro/wait"

	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

const servicePrincipalTarget = "properties.servicePrincipalProfile"

// Subject describes what a call to Azure was about.
type Subject struct {
	// ManagedGroup is the name of the cluster's managed resource group: a refusal
	// in it is an error of the service, not of the customer.
	ManagedGroup string
	// ClientID and ObjectID are those of the cluster's service principal; empty for
	// workload identity clusters.
	ClientID, ObjectID string
	// TenantID is that of the cluster's subscription.
	TenantID string
	// ServiceSubscription is that of the service: customers cannot correct a
	// refusal in it.
	ServiceSubscription string
	// Patience is how long a refusal is retried that may be temporary.
	Patience time.Duration
}

// SubjectOf returns the subject of calls about c.
func (a *Azure) SubjectOf(c *model.Cluster) Subject {
	group := c.Properties.ClusterProfile.ResourceGroupID
	s := Subject{ManagedGroup: group[strings.LastIndex(group, "/")+1:], TenantID: c.Internal.TenantID,
		ServiceSubscription: a.env.SubscriptionID, Patience: a.env.RefusalPatience()}
	if sp := c.Properties.ServicePrincipalProfile; sp != nil {
		s.ClientID, s.ObjectID = sp.ClientID, sp.ObjectID
	}
	return s
}

// outlook is whether a fault may be temporary.
type outlook int

const (
	// final is for a fault that lasts until it is corrected.
	final outlook = iota
	// spreads is for a refusal that ends within minutes or not at all: a change of
	// the customer may not have taken effect everywhere.
	spreads
	// passes is for a temporary fault.
	passes
)

// Explain converts an error of Azure to an *arm.Error that explains to the customer what
// to do, with err as its cause. A temporary fault is wrapped by wait.Again, and a
// refusal that may be temporary by wait.AgainFor. Errors that did not come from
// Azure, and those that are explained already, are returned unchanged.
func Explain(err error, about Subject) error {
	e, view := about.explanation(err)
	switch {
	case e == nil:
		return err
	case view == passes:
		return &wait.Retryable{Err: e, After: retryAfterOf(err)}
	case view == spreads:
		return &wait.Retryable{Err: e, After: retryAfterOf(err), Within: max(about.Patience, 1)}
	}
	return e
}

// Explanation returns the error to which Explain converts err, and whether it may
// be temporary; nil for an error that Explain returns unchanged.
func Explanation(err error, about Subject) (e *arm.Error, again bool) {
	e, view := about.explanation(err)
	return e, view != final
}

func (s Subject) explanation(err error) (e *arm.Error, view outlook) {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil, final
	}
	if refused := entraFault(err); refused != nil {
		if explained := (*arm.Error)(nil); errors.As(err, &explained) {
			return nil, final
		}
		e, view := s.refusedByEntra(refused, err)
		return e.Because(err), view
	}
	var failed *deploymentFault
	var explained *arm.Error
	switch {
	case errors.As(err, &failed):
		errors.As(err, &explained)
		if e, view = s.explainAny(failed.faults); e == nil {
			return nil, final
		}
		e = e.Because(err)
		e.Details = explained.Details
		return e, view
	case errors.As(err, &explained):
		return nil, final
	}
	faults := faultsOf(err)
	if e, view = s.explainAny(faults); e == nil {
		e, view = s.refusal(faults)
	}
	if e == nil {
		return nil, final
	}
	return e.Because(err), view
}

// explainAny explains the first known fault that is not temporary, because a
// temporary one matters only after that is corrected; or else the first known one.
func (s Subject) explainAny(faults []fault) (first *arm.Error, view outlook) {
	for _, f := range faults {
		e, its := s.explain(f)
		if e != nil && its == final {
			return e, final
		}
		if e != nil && first == nil {
			first, view = e, its
		}
	}
	return first, view
}

// refusal explains a refusal with an unknown code, with Azure's message.
func (s Subject) refusal(faults []fault) (*arm.Error, outlook) {
	if len(faults) == 0 || !faults[0].isRefusal() {
		return nil, final
	}
	f := faults[0]
	code := firstOf(f.code, http.StatusText(f.status))
	if f.isOwn(s.ServiceSubscription) {
		return arm.InternalServerError.Errorf("Azure refused a request for one of the service's own resources (%s). Try again later; if it persists contact support.", code), spreads
	}
	e := arm.RefusedByAzure.At(cmp.Or(scopeOf(f), resourceID.FindString(f.url)), "Azure refused a request that the cluster needs (%s). %sAzure says: %s", code, refusalRemedies[code], cmp.Or(f.text(), "nothing"))
	for _, inner := range faults[1:] {
		e.Details = append(e.Details, arm.RefusedByAzure.At(inner.target, "%s: %s", firstOf(inner.code), inner.text()))
	}
	return e, spreads
}

// refusalRemedies are remedies for known refusals.
var refusalRemedies = map[string]string{
	"KeyBasedAuthenticationNotPermitted": "Keys are not permitted on the cluster's storage account, usually because of an Azure Policy: exempt the managed resource group from it. ",
	"ResourceGroupBeingDeleted":          "The resource group is being deleted: wait until it is gone, then repeat the request. ",
	"ResourceGroupDeletionBlocked":       "Remove what blocks the deletion of the resource group, then repeat the delete. ",
	"DenyAssignmentAuthorizationFailed":  "A deny assignment forbids the request: exclude the principal that Azure names from the deny assignment, then repeat the request. ",
	"SubnetIsDelegated":                  "Remove the delegation from the subnet, or choose another subnet. ",
}

// explain explains one fault, and whether it is temporary; nil for an unknown one.
func (s Subject) explain(f fault) (*arm.Error, outlook) {
	if f.isThrottled() {
		return arm.TooManyRequests.Errorf("Azure throttles requests to the subscription. Try again later."), passes
	}
	if f.isInUse() {
		return inUse(f), spreads
	}
	switch code := f.code; {
	case code == "CannotDeleteLoadBalancerWithPrivateLinkService":
		return arm.CannotDeleteLoadBalancerWithPrivateLinkService.At(scopeOf(f), "Delete the private link service that uses the load balancer, then repeat the delete. Azure says: %s", f.text()), final
	case unauthorized(f):
		return s.refused(f), spreads
	case code == "RequestDisallowedByPolicy":
		return disallowed(f), final
	case code == "ScopeLocked":
		return arm.ScopeLocked.At(scopeOf(f), "A management lock forbids the change. Remove it, then repeat the request. Azure says: %s", f.text()), final
	case f.isQuota():
		return arm.ResourceQuotaExceeded.At(f.target, "The subscription's quota is not sufficient (%s). Raise the quota, or request fewer or smaller machines. Azure says: %s", code, f.text()), final
	case code == "SkuNotAvailable":
		return arm.InvalidParameter.At("properties.masterProfile.vmSize", "The size is not available to the subscription in the region. Choose another one. Azure says: %s", f.text()), final
	case code == "MissingSubscriptionRegistration", code == "SubscriptionNotRegistered":
		return arm.ResourceProviderNotRegistered.Errorf("Register the resource provider that clusters need, then repeat the request. Azure says: %s", f.text()), final
	case code == "ReadOnlyDisabledSubscription", code == "DisabledSubscription":
		return arm.InvalidSubscriptionState.Errorf("The subscription is disabled. Reactivate it, then repeat the request."), final
	case code == "PrincipalNotFound", code == "NullOrInvalidGuidExcludePrincipalId":
		return s.unknownPrincipal(f), spreads
	case code == "AuthorizationPermissionMismatch", code == "AuthorizationFailure": // of storage accounts, which are the service's own
		return arm.InternalServerError.Errorf("The service does not have permission to use the storage account yet (%s). Try again later; if it persists contact support.", code), spreads
	case code == "Authorization_IdentityNotFound":
		return s.refusedByGraph(f, "Check that the application exists in the cluster's tenant, and has a service principal there."), spreads
	case code == "Authorization_RequestDenied":
		return s.refusedByGraph(f, "Check the permissions of the application in Entra ID."), final
	case slices.Contains(capacityCodes, code):
		// The customer may choose another size or region, and should know soon.
		return arm.DeploymentFailed.At(f.target, "Azure has no capacity for machines of this size in the region at the moment (%s). Try again later or choose another size. Azure says: %s", code, f.text()), spreads
	case slices.Contains(machineCodes, code):
		return arm.DeploymentFailed.At(f.target, "A machine did not start in time (%s). Repeat the request; if it persists open a support ticket. Azure says: %s", code, f.text()), passes
	case f.isBusy():
		return arm.ServiceUnavailable.Errorf("Azure is busy with another change to the same resource (%s). Try again later.", code), passes
	case f.isBroken():
		return arm.ServiceUnavailable.Errorf("Azure could not answer (%s). Try again later.", firstOf(code, http.StatusText(f.status))), passes
	}
	return nil, final
}

func (s Subject) refusedByGraph(f fault, remedy string) *arm.Error {
	return arm.InvalidServicePrincipalCredentials.At(servicePrincipalTarget, "Microsoft Graph refuses the service principal %s (%s). %s Azure says: %s", s.ClientID, f.code, remedy, f.text())
}

// unauthorized reports whether an identity has no role, or a role that has not
// taken effect everywhere.
func unauthorized(f fault) bool {
	switch f.code {
	case "AuthorizationFailed", "LinkedAuthorizationFailed":
		return true
	case "InvalidTemplateDeployment":
		return strings.Contains(strings.ToLower(f.message), "authorization failed for template resource")
	case "Forbidden":
		return strings.Contains(f.message, "AuthorizationFailed")
	}
	return false
}

// refused explains a missing role: in the managed group it is an error of the
// service, elsewhere of the customer, whose identity the message names.
func (s Subject) refused(f fault) *arm.Error {
	if f.within(s.ManagedGroup) {
		return arm.InternalServerError.Errorf("The service does not have permission in the managed resource group %q yet (%s). Try again later; if it persists contact support.", s.ManagedGroup, f.code)
	}
	lower := strings.ToLower(f.message)
	named := func(id string) bool { return id != "" && strings.Contains(lower, strings.ToLower(id)) }
	const text = "%s lacks a role. Assign it, then repeat the request. Azure says: %s"
	if named(s.ClientID) || named(s.ObjectID) || s.ClientID != "" && !strings.Contains(lower, "client '") {
		return arm.InvalidServicePrincipalCredentials.At(servicePrincipalTarget, text, "The cluster's service principal", f.text())
	}
	return arm.InvalidResourceProviderPermissions.At(scopeOf(f), text, "The service, or an identity of the cluster,", f.text())
}

// unknownPrincipal explains an identity that Azure does not know, possibly because
// it is new.
func (s Subject) unknownPrincipal(f fault) *arm.Error {
	code, target := arm.InvalidServicePrincipalCredentials, servicePrincipalTarget
	if s.ClientID == "" {
		code, target = arm.InvalidPlatformWorkloadIdentity, "properties.platformWorkloadIdentityProfile.platformWorkloadIdentities"
	}
	return code.At(target, "Azure did not find an identity of the cluster. Check that the identity exists in the cluster's tenant. Azure says: %s", f.text())
}

func disallowed(f fault) *arm.Error {
	by := strings.Join(f.policies, ", ")
	if by == "" {
		by = "a policy: " + f.text()
	}
	return arm.RequestDisallowedByPolicy.At(scopeOf(f), "Azure Policy forbids what the cluster needs, by %s. Exempt the resource from it, then repeat the request.", by)
}

// inUse explains a resource that cannot be deleted because another one uses it,
// which may be about to be deleted.
func inUse(f fault) *arm.Error {
	code := arm.ResourceInUse
	if f.code == "InUseSubnetCannotBeDeleted" {
		code = arm.InUseSubnetCannotBeDeleted
	}
	return code.At(scopeOf(f), "Delete or detach what uses it, then repeat the delete. Azure says: %s (%s)", f.text(), f.code)
}

// scopeOf returns the resource that the fault is about, if it is known.
func scopeOf(f fault) string {
	if f.target != "" {
		return f.target
	}
	return strings.TrimRight(resourceID.FindString(f.message), ".")
}

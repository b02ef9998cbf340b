package azure

import (
	"github.com/aro-rp/aro/wait"

	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

const servicePrincipalTarget = "properties.servicePrincipalProfile"

// Subject is whom a call to Azure was about.
type Subject struct {
	// ManagedGroup is the name of the cluster's managed resource group: what is
	// refused there is the service's trouble, not the customer's.
	ManagedGroup string
	// ClientID and ObjectID are those of the cluster's service principal; empty for
	// workload identity clusters.
	ClientID, ObjectID string
}

// SubjectOf is the subject of calls about c.
func SubjectOf(c *model.Cluster) Subject {
	group := c.Properties.ClusterProfile.ResourceGroupID
	s := Subject{ManagedGroup: group[strings.LastIndex(group, "/")+1:]}
	if sp := c.Properties.ServicePrincipalProfile; sp != nil {
		s.ClientID, s.ObjectID = sp.ClientID, sp.ObjectID
	}
	return s
}

// Explain makes of an error of Azure what a customer can act on: an *arm.Error
// that carries err for the log, wrapped by wait.Again when it may cure
// itself. What it does not know, and what is explained already, it leaves alone.
func Explain(err error, about Subject) error {
	e, again := Explanation(err, about)
	switch {
	case e == nil:
		return err
	case again:
		return wait.AgainAfter(askedToWait(err), e)
	}
	return e
}

// Explanation is what Explain makes of an error, and whether it may cure itself;
// nil for what Explain leaves alone.
func Explanation(err error, about Subject) (e *arm.Error, again bool) {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil, false
	}
	faults := faultsOf(err)
	var failed *deploymentFault
	var explained *arm.Error
	switch {
	case errors.As(err, &failed):
		faults = failed.faults
		errors.As(err, &explained)
	case errors.As(err, &explained):
		return nil, false
	}
	if code, text := entraFault(err); code != "" {
		return about.refusedByEntra(code, text, err)
	}
	e, again = about.explainAny(faults)
	if e == nil {
		return nil, false
	}
	e = e.Because(err)
	if explained != nil {
		e.Details = explained.Details
	}
	return e, again
}

// explainAny explains the first fault that it knows and that does not cure
// itself, for what does is of no use before that one is gone; or else the first
// that it knows.
func (s Subject) explainAny(faults []fault) (first *arm.Error, again bool) {
	for _, f := range faults {
		e, passes := s.explain(f)
		if e != nil && !passes {
			return e, false
		}
		if first == nil {
			first = e
		}
	}
	return first, first != nil
}

// refusedByEntra explains why a token was refused. Only what names the cluster's
// own application is its customer's to cure.
func (s Subject) refusedByEntra(code, text string, err error) (e *arm.Error, again bool) {
	if s.ClientID == "" || !strings.Contains(strings.ToLower(text), strings.ToLower(s.ClientID)) && strings.Contains(text, "'") {
		return nil, false
	}
	remedies := map[string]struct {
		text  string
		again bool
	}{
		// A new application spreads slowly, as does a new secret.
		"AADSTS700016":  {"The application does not exist in the cluster's tenant: create it there, or give the cluster another one.", true},
		"AADSTS7000215": {"The client secret is wrong: send its value, not its id.", true},
		"AADSTS7000216": {"The request for a token was incomplete. Try again.", true},
		"AADSTS7000222": {"The client secret has expired: create a new one and update the cluster.", false},
		"AADSTS7000112": {"The application is disabled: enable it.", false},
	}
	remedy, known := remedies[code]
	if !known {
		return nil, false
	}
	return arm.InvalidServicePrincipalCredentials.At(servicePrincipalTarget, "Entra ID refuses the service principal %s (%s). %s", s.ClientID, code, remedy.text).Because(err), remedy.again
}

// explain explains one fault, and tells whether it may cure itself; nil for one
// it does not know.
func (s Subject) explain(f fault) (e *arm.Error, again bool) {
	if e := explainInUse(f); e != nil {
		return e, true
	}
	switch code := f.code; {
	case code == "CannotDeleteLoadBalancerWithPrivateLinkService":
		return arm.CannotDeleteLoadBalancerWithPrivateLinkService.At(scopeOf(f), "Delete the private link service that uses the load balancer, then repeat the delete. Azure says: %s", f.said()), false
	case unauthorized(f):
		return s.refused(f), true
	case code == "RequestDisallowedByPolicy":
		return disallowed(f), false
	case code == "ScopeLocked":
		return arm.ScopeLocked.At(scopeOf(f), "A management lock forbids the change. Remove it, then repeat the request. Azure says: %s", f.said()), false
	case slices.Contains(quotaCodes, code), code == "OperationNotAllowed" && strings.Contains(strings.ToLower(f.message), "quota"):
		return arm.ResourceQuotaExceeded.Errorf("The subscription's quota in the region does not suffice. Raise it, or ask for less. Azure says: %s", f.said()), false
	case code == "SkuNotAvailable":
		return arm.InvalidParameter.At("properties.masterProfile.vmSize", "The size is not available to the subscription in the region. Choose another one. Azure says: %s", f.said()), false
	case code == "MissingSubscriptionRegistration", code == "SubscriptionNotRegistered":
		return arm.ResourceProviderNotRegistered.Errorf("Register the resource provider that clusters need, then repeat the request. Azure says: %s", f.said()), false
	case code == "ReadOnlyDisabledSubscription", code == "DisabledSubscription":
		return arm.InvalidSubscriptionState.Errorf("The subscription is disabled. Reactivate it, then repeat the request."), false
	case code == "PrincipalNotFound", code == "NullOrInvalidGuidExcludePrincipalId":
		return s.unknownPrincipal(f), true
	case code == "AuthorizationPermissionMismatch", code == "AuthorizationFailure": // of storage accounts, which are the service's own
		return arm.InternalServerError.Errorf("The service may not yet use the storage account. Try again later; if it persists contact support."), true
	case code == "Authorization_IdentityNotFound", code == "Authorization_RequestDenied":
		return arm.InvalidServicePrincipalCredentials.At(servicePrincipalTarget, "Microsoft Graph refuses the service principal (%s): %s", code, f.said()), code == "Authorization_IdentityNotFound"
	}
	return explainBusy(f)
}

// quotaCodes are Azure's words for a quota that does not suffice.
var quotaCodes = []string{"QuotaExceeded", "ResourceQuotaExceeded", "PublicIPCountLimitReached", "PublicIpCountLimitReached",
	"StaticPublicIPCountLimitReached", "StandardSkuPublicIPCountLimitReached", "CoreQuotaExceeded", "OperationNotAllowedOnVMQuota"}

// unauthorized tells whether an identity lacks a role, or has it for so short a
// time that Azure does not know it everywhere.
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

// refused explains a lacking role: in the managed group it is the service's
// trouble, elsewhere the customer's, whose identity the message names.
func (s Subject) refused(f fault) *arm.Error {
	if f.within(s.ManagedGroup) {
		return arm.InternalServerError.Errorf("The service may not yet do its work in the managed resource group %q. Try again later; if it persists contact support.", s.ManagedGroup)
	}
	lower := strings.ToLower(f.message)
	named := func(id string) bool { return id != "" && strings.Contains(lower, strings.ToLower(id)) }
	const text = "%s lacks a role. Assign it, then repeat the request. Azure says: %s"
	if named(s.ClientID) || named(s.ObjectID) || s.ClientID != "" && !strings.Contains(lower, "client '") {
		return arm.InvalidServicePrincipalCredentials.At(servicePrincipalTarget, text, "The cluster's service principal", f.said())
	}
	return arm.InvalidResourceProviderPermissions.At(scopeOf(f), text, "The service, or an identity of the cluster,", f.said())
}

// unknownPrincipal explains an identity that Azure does not know, perhaps because
// it is new.
func (s Subject) unknownPrincipal(f fault) *arm.Error {
	code, target := arm.InvalidServicePrincipalCredentials, servicePrincipalTarget
	if s.ClientID == "" {
		code, target = arm.InvalidPlatformWorkloadIdentity, "properties.platformWorkloadIdentityProfile.platformWorkloadIdentities"
	}
	return code.At(target, "Azure does not know an identity of the cluster. Check that it exists in the cluster's tenant. Azure says: %s", f.said())
}

func disallowed(f fault) *arm.Error {
	by := strings.Join(f.policies, ", ")
	if by == "" {
		by = "a policy: " + f.said()
	}
	return arm.RequestDisallowedByPolicy.At(scopeOf(f), "Azure Policy forbids what the cluster needs, by %s. Exempt the resource from it, then repeat the request.", by)
}

// explainInUse explains what cannot be deleted while something uses it, which may
// be about to go. Each of Azure's services has its own words for it.
func explainInUse(f fault) *arm.Error {
	const text = "Delete or detach what uses it, then repeat the delete. Azure says: %s (%s)"
	switch {
	case f.code == "InUseSubnetCannotBeDeleted":
		return arm.InUseSubnetCannotBeDeleted.At(scopeOf(f), text, f.said(), f.code)
	case strings.Contains(f.code, "InUse"), strings.HasSuffix(f.code, "CannotBeDeleted"), f.code == "NicReservedForAnotherVm":
		return arm.ResourceInUse.At(scopeOf(f), text, f.said(), f.code)
	}
	return nil
}

// busyCodes are Azure's words for another change in the way.
var busyCodes = []string{"AnotherOperationInProgress", "CanceledAndSupersededDueToAnotherOperation", "ConflictingConcurrentWriteNotAllowed",
	"RetryableError", "OperationPreempted", "ReferencedResourceNotProvisioned"}

// explainBusy explains what goes away by itself.
func explainBusy(f fault) (*arm.Error, bool) {
	switch {
	case f.status == http.StatusTooManyRequests, f.code == "TooManyRequests":
		return arm.TooManyRequests.Errorf("Azure throttles requests to the subscription. Try again later."), true
	case slices.Contains(busyCodes, f.code),
		f.status == http.StatusConflict && (f.retryAfter || strings.Contains(strings.ToLower(f.message), "retry later")):
		return arm.ServiceUnavailable.Errorf("Azure is busy with another change to the same resource (%s). Try again later.", f.code), true
	case slices.Contains([]string{"AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest", "OverconstrainedZonalAllocationRequest"}, f.code):
		return arm.DeploymentFailed.Errorf("Azure has no capacity for machines of this size in the region at the moment. Try again later or choose another size. Azure says: %s", f.said()), true
	case f.status == http.StatusRequestTimeout, f.status >= http.StatusInternalServerError:
		return arm.ServiceUnavailable.Errorf("Azure could not answer (%s). Try again later.", firstOf(f.code, http.StatusText(f.status))), true
	}
	return nil, false
}

// scopeOf is the resource that the fault is about, if it can be told.
func scopeOf(f fault) string {
	if f.target != "" {
		return f.target
	}
	return strings.TrimRight(resourceID.FindString(f.message), ".")
}

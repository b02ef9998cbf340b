package azure

import (
	"net/http"
	"slices"
	"strings"
)

// The words of Azure's services for what passes. A fault inside a deployment or of
// an operation that was accepted comes without an HTTP status of its own, so that
// its code and its words are all there is to judge it by.

// busyCodes are for another change in the way.
var busyCodes = []string{
	"AnotherOperationInProgress", "CanceledAndSupersededDueToAnotherOperation", "ConflictingConcurrentWriteNotAllowed",
	"RetryableError", "RetryableErrorDueToAnotherOperation", "OperationPreempted", "ReferencedResourceNotProvisioned",
	"StorageAccountOperationInProgress", "StorageAccountIsNotProvisioned", "StorageAccountInTransientState", "OperationInProgress",
	"ConflictingUserOperation", "ConcurrentUpdateError", "DeploymentActive", "DeploymentBeingDeleted",
	"AttachDiskWhileBeingDetached", "ResourceNotProvisioned", "InUseByAnotherOperation", "RoleAssignmentUpdateConflict",
}

// brokenCodes are for trouble of Azure's own.
var brokenCodes = []string{
	"InternalServerError", "InternalError", "InternalExecutionError", "InternalOperationError", "NetworkingInternalOperationError",
	"InternalSubscriptionError", "ServiceUnavailable", "ServerBusy", "ServerTimeout", "GatewayTimeout", "BadGateway",
	"RequestTimeout", "OperationTimedOut", "ResourceDeploymentTimeout", "TransientError", "TemporarilyUnavailable",
	"DiskServiceInternalError", "VMAgentStatusCommunicationError",
}

// machineCodes are for a machine that did not start as Azure expects: a new one
// mostly does.
var machineCodes = []string{
	"VMStartTimedOut", "OSProvisioningTimedOut", "OSProvisioningClientError", "OSProvisioningInternalError", "VMProvisioningTimedOut",
	"VMStartFailed", "ProvisioningTimedOut",
}

// capacityCodes are for machines that Azure has no room for.
var capacityCodes = []string{"AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest", "OverconstrainedZonalAllocationRequest"}

// quotaCodes are for a quota that does not suffice; see isQuota for their kind.
var quotaCodes = []string{"QuotaExceeded", "CoreQuotaExceeded", "OperationNotAllowedOnVMQuota"}

// isQuota reports whether the customer may have no more of something.
func (f fault) isQuota() bool {
	for _, end := range []string{"QuotaExceeded", "LimitReached", "LimitExceeded"} {
		if strings.HasSuffix(f.code, end) {
			return true
		}
	}
	return slices.Contains(quotaCodes, f.code) || f.code == "OperationNotAllowed" && f.says("quota")
}

// isInUse reports whether something cannot go while another thing uses it. Each of
// Azure's services has its own words for it.
func (f fault) isInUse() bool {
	return strings.Contains(f.code, "InUse") && f.code != "InUseByAnotherOperation" || strings.HasSuffix(f.code, "CannotBeDeleted") ||
		slices.Contains([]string{"NicReservedForAnotherVm", "PrivateLinkServiceHasPrivateEndpointConnections", "CannotDeleteResource"}, f.code) ||
		f.code == "OperationNotAllowed" && (f.says("is attached to") || f.says("in use"))
}

// isThrottled reports whether there were too many requests.
func (f fault) isThrottled() bool {
	return f.status == http.StatusTooManyRequests || slices.Contains([]string{"TooManyRequests", "SubscriptionRequestsThrottled",
		"ResourceRequestsThrottled", "OperationThrottled", "TooManyRequestsReceived"}, f.code)
}

// isBusy reports whether another change is in the way.
func (f fault) isBusy() bool {
	if slices.Contains(busyCodes, f.code) || f.status == http.StatusConflict && f.retryAfter {
		return true
	}
	for _, words := range []string{"retry later", "try again later", "retry the request later", "another operation is in progress", "another operation on this"} {
		if f.says(words) {
			return true
		}
	}
	return false
}

// isBroken reports whether Azure has trouble of its own.
func (f fault) isBroken() bool {
	return f.status == http.StatusRequestTimeout || f.status >= http.StatusInternalServerError ||
		slices.Contains(brokenCodes, f.code) || slices.Contains(machineCodes, f.code)
}

// isRefusal reports whether the fault is a refusal of a request, or how an
// operation ended that was accepted.
func (f fault) isRefusal() bool {
	return f.status >= http.StatusBadRequest && f.status < http.StatusInternalServerError || f.status != 0 && f.status < http.StatusMultipleChoices
}

func (f fault) says(words string) bool { return strings.Contains(strings.ToLower(f.message), words) }

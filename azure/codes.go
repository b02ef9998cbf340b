package azure

import (
	"net/http"
	"slices"
	"strings"
)

// The error codes of Azure's services, by what they mean for a retry. A fault
// inside a deployment or of an accepted operation has no HTTP status of its own, so
// that it is classified by its code and message.

// busyCodes are for conflicts with another change in progress.
var busyCodes = []string{
	"AnotherOperationInProgress", "CanceledAndSupersededDueToAnotherOperation", "ConflictingConcurrentWriteNotAllowed",
	"RetryableError", "RetryableErrorDueToAnotherOperation", "OperationPreempted", "ReferencedResourceNotProvisioned",
	"StorageAccountOperationInProgress", "StorageAccountIsNotProvisioned", "StorageAccountInTransientState", "OperationInProgress",
	"ConflictingUserOperation", "ConcurrentUpdateError", "DeploymentActive", "DeploymentBeingDeleted",
	"AttachDiskWhileBeingDetached", "ResourceNotProvisioned", "InUseByAnotherOperation", "RoleAssignmentUpdateConflict",
}

// brokenCodes are for internal failures of Azure.
var brokenCodes = []string{
	"InternalServerError", "InternalError", "InternalExecutionError", "InternalOperationError", "NetworkingInternalOperationError",
	"InternalSubscriptionError", "ServiceUnavailable", "ServerBusy", "ServerTimeout", "GatewayTimeout", "BadGateway",
	"RequestTimeout", "OperationTimedOut", "ResourceDeploymentTimeout", "TransientError", "TemporarilyUnavailable",
	"DiskServiceInternalError", "VMAgentStatusCommunicationError",
}

// machineCodes are for a machine that did not start as expected: a new one usually
// does.
var machineCodes = []string{
	"VMStartTimedOut", "OSProvisioningTimedOut", "OSProvisioningClientError", "OSProvisioningInternalError", "VMProvisioningTimedOut",
	"VMStartFailed", "ProvisioningTimedOut",
}

// capacityCodes are for machines for which Azure has no capacity.
var capacityCodes = []string{"AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest", "OverconstrainedZonalAllocationRequest"}

// quotaCodes are for exceeded quotas; see isQuota for their meaning.
var quotaCodes = []string{"QuotaExceeded", "CoreQuotaExceeded", "OperationNotAllowedOnVMQuota"}

// isQuota reports whether a quota of the customer is exceeded.
func (f fault) isQuota() bool {
	for _, end := range []string{"QuotaExceeded", "LimitReached", "LimitExceeded"} {
		if strings.HasSuffix(f.code, end) {
			return true
		}
	}
	return slices.Contains(quotaCodes, f.code) || f.code == "OperationNotAllowed" && f.contains("quota")
}

// isInUse reports whether a resource cannot be deleted because another one uses it.
// Each of Azure's services has its own codes.
func (f fault) isInUse() bool {
	return strings.Contains(f.code, "InUse") && f.code != "InUseByAnotherOperation" || strings.HasSuffix(f.code, "CannotBeDeleted") ||
		slices.Contains([]string{"NicReservedForAnotherVm", "PrivateLinkServiceHasPrivateEndpointConnections", "CannotDeleteResource"}, f.code) ||
		f.code == "OperationNotAllowed" && (f.contains("is attached to") || f.contains("in use"))
}

// isThrottled reports whether there were too many requests.
func (f fault) isThrottled() bool {
	return f.status == http.StatusTooManyRequests || slices.Contains([]string{"TooManyRequests", "SubscriptionRequestsThrottled",
		"ResourceRequestsThrottled", "OperationThrottled", "TooManyRequestsReceived"}, f.code)
}

// isBusy reports whether another change is in progress.
func (f fault) isBusy() bool {
	if slices.Contains(busyCodes, f.code) || f.status == http.StatusConflict && f.retryAfter {
		return true
	}
	for _, words := range []string{"retry later", "try again later", "retry the request later", "another operation is in progress", "another operation on this"} {
		if f.contains(words) {
			return true
		}
	}
	return false
}

// isBroken reports whether Azure failed internally.
func (f fault) isBroken() bool {
	return f.status == http.StatusRequestTimeout || f.status >= http.StatusInternalServerError ||
		slices.Contains(brokenCodes, f.code) || slices.Contains(machineCodes, f.code)
}

// isRefusal reports whether the fault is a refusal of a request, or the failure of
// an operation that was accepted.
func (f fault) isRefusal() bool {
	return f.status >= http.StatusBadRequest && f.status < http.StatusInternalServerError || f.status != 0 && f.status < http.StatusMultipleChoices
}

func (f fault) contains(words string) bool {
	return strings.Contains(strings.ToLower(f.message), words)
}

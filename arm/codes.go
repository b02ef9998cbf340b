package arm

import "net/http"

// The error catalogue: every code that the service can return. docs/errors.md is
// generated from Catalogue. A code that is not in Catalogue fails the tests.
var (
	InternalServerError = Code{"InternalServerError", http.StatusInternalServerError,
		"Something failed that the service does not understand.",
		"Try again; if it persists, contact support with the correlation id of the response."}
	ServiceUnavailable = Code{"ServiceUnavailable", http.StatusServiceUnavailable,
		"The service or its database cannot answer at the moment.",
		"Try again after the time in the Retry-After header."}
	TooManyRequests = Code{"ThrottlingLimitExceeded", http.StatusTooManyRequests,
		"Too many requests in a short time.",
		"Try again after the time in the Retry-After header."}
	KubeconfigExpired = Code{"KubeconfigExpired", http.StatusServiceUnavailable,
		"The administrator's kubeconfig has expired, and is being renewed.",
		"Repeat the request after the time in the Retry-After header. If it persists, update the cluster without changes, for example with az aro update, which shows what prevents the renewal."}
	Forbidden = Code{"Forbidden", http.StatusForbidden,
		"The caller's client certificate is missing, unknown, expired or not allowed on this API.",
		"Call through Azure Resource Manager, or with a certificate on the allow-list."}

	RecordUnreadable = Code{"RecordUnreadable", http.StatusInternalServerError,
		"The service's own record of the cluster, subscription or operation is damaged. The resources in Azure and other clusters are not affected.",
		"Contact support with the correlation id of the response: an engineer has to repair the record. The service's alerts report it as well."}

	MisdirectedRequest = Code{"MisdirectedRequest", http.StatusMisdirectedRequest,
		"A service in development mode was called with a host name that is not its own, for example by a web page of another site.",
		"Call it as localhost, or name the host with --hosts."}

	NotFound = Code{"NotFound", http.StatusNotFound,
		"The path or the asynchronous operation does not exist, or belongs to another subscription.",
		"Check the URL. Operation statuses are kept for seven days."}
	ResourceNotFound = Code{"ResourceNotFound", http.StatusNotFound,
		"The cluster, OpenShift version or role set does not exist.",
		"Check subscription, resource group and name, or list what exists."}
	MethodNotAllowed = Code{"MethodNotAllowed", http.StatusMethodNotAllowed,
		"The path exists but not with this HTTP method.",
		"Use one of the methods in the Allow header."}
	UnsupportedMediaType = Code{"UnsupportedMediaType", http.StatusUnsupportedMediaType,
		"The body's Content-Type is not application/json.",
		"Send the header Content-Type: application/json."}
	RequestTooLarge = Code{"RequestEntityTooLarge", http.StatusRequestEntityTooLarge,
		"The body is larger than 1 MiB.",
		"Send a smaller body; no valid request comes near this limit."}

	InvalidRequestContent = Code{"InvalidRequestContent", http.StatusBadRequest,
		"The body is not valid JSON, or a value has the wrong JSON type.",
		"Correct the value at the path in target."}
	InvalidParameter = Code{"InvalidParameter", http.StatusBadRequest,
		"A value, query parameter or header breaks a rule of the API.",
		"Correct the value at the path in target; the message names the rule."}
	InvalidNetworkAddress = Code{"InvalidNetworkAddress", http.StatusBadRequest,
		"A CIDR has bits set behind its prefix.",
		"Use the network's base address, for example 10.128.0.0/14."}
	InvalidCIDRRange = Code{"InvalidCIDRRange", http.StatusBadRequest,
		"A CIDR overlaps another network of the cluster or one that OpenShift reserves.",
		"Choose a range that overlaps neither; the message names the other one."}
	InvalidResourceType = Code{"InvalidResourceType", http.StatusBadRequest,
		"The api-version is missing or unknown, or does not offer the operation.",
		"Use one of the api-versions that the message lists."}
	InvalidSubscriptionID = Code{"InvalidSubscriptionID", http.StatusBadRequest,
		"The subscription id in the path is not a UUID.", "Correct the subscription id."}
	InvalidSubscriptionState = Code{"InvalidSubscriptionState", http.StatusBadRequest,
		"The subscription is not registered, or its state does not allow the request.",
		"Register the resource provider Microsoft.RedHatOpenShift, or reactivate the subscription."}
	InvalidResourceGroup = Code{"ResourceGroupNotFound", http.StatusBadRequest,
		"The resource group name in the path is not a legal name.",
		"Name a resource group that exists. Names have at most 90 letters, digits, '-', '_', '(', ')' and '.', and do not end in '.'."}
	InvalidResourceNamespace = Code{"InvalidResourceNamespace", http.StatusBadRequest,
		"The path names another resource provider.", "Use Microsoft.RedHatOpenShift."}
	InvalidResourceName = Code{"InvalidResourceName", http.StatusBadRequest,
		"The cluster name in the path is not a legal name.",
		"Use at most 90 letters, digits, '-', '_', '(', ')' and '.', not ending in '.'."}
	InvalidLocation = Code{"InvalidLocation", http.StatusBadRequest,
		"The path names a location that this service does not serve.",
		"Use the location that the message names."}
	InvalidOperationID = Code{"InvalidOperationID", http.StatusBadRequest,
		"The operation id in the path is not a UUID.", "Use the URL of the Azure-AsyncOperation or Location header as it is."}
	MismatchingResourceID = Code{"MismatchingResourceID", http.StatusBadRequest,
		"The id in the body is not the one in the URL.", "Remove id from the body, or correct it."}
	MismatchingResourceName = Code{"MismatchingResourceName", http.StatusBadRequest,
		"The name in the body is not the one in the URL.", "Remove name from the body, or correct it."}
	MismatchingResourceType = Code{"MismatchingResourceType", http.StatusBadRequest,
		"The type in the body is not that of a cluster.", "Remove type from the body, or correct it."}
	PropertyChangeNotAllowed = Code{"PropertyChangeNotAllowed", http.StatusBadRequest,
		"The request changes a property that cannot change, or sets one that only the service sets.",
		"Remove the property from the body; the cluster keeps its value. The message names the property and, if there is another way to change it, that way."}
	RequestNotAllowed = Code{"RequestNotAllowed", http.StatusBadRequest,
		"The cluster's state does not allow the request.",
		"The message says what has to happen first; a cluster that failed to be created can only be deleted."}
	DuplicateResourceGroup = Code{"DuplicateResourceGroup", http.StatusBadRequest,
		"Another cluster of the subscription uses the same managed resource group.",
		"Choose another properties.clusterProfile.resourceGroupId."}
	DuplicateClientID = Code{"DuplicateClientID", http.StatusBadRequest,
		"Another cluster of the subscription uses the same service principal or cluster identity.",
		"Use a separate service principal or user-assigned identity for each cluster."}
	PlatformWorkloadIdentityMismatch = Code{"PlatformWorkloadIdentityMismatch", http.StatusBadRequest,
		"The operators in the request are not exactly those that the OpenShift version needs.",
		"Specify one identity for each operator that the message lists."}

	// Errors that Azure returns for resources and identities that the customer
	// provides.

	InvalidServicePrincipalCredentials = Code{"InvalidServicePrincipalCredentials", http.StatusBadRequest,
		"Entra ID or Azure refuses the cluster's service principal: unknown, its secret is wrong or has expired, or it lacks rights.",
		"Check that the application exists in the cluster's tenant, give it a new secret or the role that the message names, and update the cluster."}
	InvalidServicePrincipalToken = Code{"InvalidServicePrincipalToken", http.StatusBadRequest,
		"The token that Entra ID issued to the service principal cannot be read.",
		"Check the application's token configuration in Entra ID."}
	InvalidServicePrincipalClaims = Code{"InvalidServicePrincipalClaims", http.StatusBadRequest,
		"The service principal's token names no subject: none of the claims oid, altsecid and puid.",
		"Create the application's service principal in the cluster's tenant."}
	InvalidServicePrincipalPermissions = Code{"InvalidServicePrincipalPermissions", http.StatusBadRequest,
		"The cluster's service principal does not have a permission that the cluster needs on a resource.",
		"Assign it a role with the actions that the message lists, on the resource that it names. New assignments take up to ten minutes to take effect."}
	InvalidResourceProviderPermissions = Code{"InvalidResourceProviderPermissions", http.StatusBadRequest,
		"The service itself, Azure Red Hat OpenShift RP, does not have a permission that the cluster needs on a resource.",
		"Assign its service principal a role with the actions that the message lists, on the resource that it names."}
	InvalidWorkloadIdentityPermissions = Code{"InvalidWorkloadIdentityPermissions", http.StatusBadRequest,
		"An operator's identity does not have a permission that the operator needs on a resource.",
		"Assign the identity the operator's built-in role on the resource that the message names."}
	InvalidClusterMSIPermissions = Code{"InvalidClusterMSIPermissions", http.StatusBadRequest,
		"The cluster's identity does not have permission to federate the operators' identities.",
		"Assign it the role Azure Red Hat OpenShift Federated Credential on each identity that the message names."}
	InvalidPlatformWorkloadIdentity = Code{"InvalidPlatformWorkloadIdentity", http.StatusBadRequest,
		"An operator's identity does not exist, or the cluster's identity may not read it.",
		"Create the identity, or assign the cluster's identity the role Azure Red Hat OpenShift Federated Credential on it."}
	PlatformWorkloadIdentityContainsInvalidCredential = Code{"PlatformWorkloadIdentityContainsInvalidCredential", http.StatusBadRequest,
		"An operator's identity has federated credentials that are not this cluster's.",
		"Use a separate identity for each operator of each cluster, or delete the credentials that the message names."}
	InvalidLinkedVNet = Code{"InvalidLinkedVNet", http.StatusBadRequest,
		"The virtual network or one of the subnets cannot be used for the cluster.",
		"Change the network as the message says."}
	InvalidLinkedSubnet = Code{"InvalidLinkedSubnet", http.StatusBadRequest,
		"A subnet was not found.", "Create the subnet, or correct its id."}
	InvalidLinkedRouteTable = Code{"InvalidLinkedRouteTable", http.StatusBadRequest,
		"The route table of a subnet was not found, or the subnet has no default route although outboundType is UserDefinedRouting.",
		"Create the route table, or detach it from the subnet; give it a default route that leads to a firewall or gateway."}
	InvalidLinkedNatGateway = Code{"InvalidLinkedNatGateway", http.StatusBadRequest,
		"The NAT gateway of a subnet was not found.", "Create the NAT gateway, or detach it from the subnet."}
	InvalidLinkedDiskEncryptionSet = Code{"InvalidLinkedDiskEncryptionSet", http.StatusBadRequest,
		"A disk encryption set was not found, or is in another location than the cluster.",
		"Create it in the cluster's location, or correct its id."}
	InvalidResourceID = Code{"InvalidResourceID", http.StatusBadRequest,
		"A value is not a valid resource id, or is the id of another type of resource.", "Correct the id at the path in target."}
	ResourceProviderNotRegistered = Code{"ResourceProviderNotRegistered", http.StatusBadRequest,
		"The subscription has not registered a resource provider that clusters need.",
		"Register the providers that the message names, for example with az provider register."}
	ResourceQuotaExceeded = Code{"ResourceQuotaExceeded", http.StatusBadRequest,
		"The subscription's quota in the region is not sufficient for the cluster.",
		"Raise the quota that the message names, or ask for fewer or smaller machines."}
	QuotaExceeded = Code{"QuotaExceeded", http.StatusInternalServerError,
		"Azure could not provide the worker machines: quota or capacity was used up while they were created.",
		"Raise the quota that the message names, or choose another size, and create the cluster again."}
	DeploymentFailed = Code{"DeploymentFailed", http.StatusBadRequest,
		"Azure refused or failed to create resources of the cluster.",
		"The details name each resource and Azure's reason. Remove the cause, then repeat the request."}
	ComponentNotReady = Code{"DeploymentFailed", http.StatusInternalServerError,
		"A part of the cluster did not become ready in time.",
		"The message names the part. Repeat the request; if it persists open a support ticket."}
	AdmissionDenied = Code{"AdmissionDenied", http.StatusConflict,
		"A webhook or policy in the cluster rejects a change that the service has to make there.",
		"Repair or remove the webhook or policy that the message names, or exempt OpenShift's own namespaces and objects from it; then repeat the request."}
	DuplicateDomain = Code{"DuplicateDomain", http.StatusBadRequest,
		"Another cluster uses the domain.", "Choose another properties.clusterProfile.domain."}
	ClusterResourceGroupAlreadyExists = Code{"ClusterResourceGroupAlreadyExists", http.StatusBadRequest,
		"The managed resource group exists and does not belong to this cluster.",
		"Choose a properties.clusterProfile.resourceGroupId that does not exist yet."}
	RequestDisallowedByPolicy = Code{"RequestDisallowedByPolicy", http.StatusBadRequest,
		"An Azure Policy of the subscription forbids what the cluster needs.",
		"Exempt the managed resource group or the resource from the policy assignment that the message names."}
	CannotDeleteLoadBalancerWithPrivateLinkService = Code{"CannotDeleteLoadBalancerWithPrivateLinkService", http.StatusBadRequest,
		"A load balancer cannot be deleted because a private link service still uses it.",
		"Delete the private link service that the message names, then repeat the delete."}
	InUseSubnetCannotBeDeleted = Code{"InUseSubnetCannotBeDeleted", http.StatusBadRequest,
		"A subnet cannot be deleted because something still uses it.",
		"Delete or detach what the message names, then repeat the delete."}
	ResourceInUse = Code{"ResourceInUse", http.StatusBadRequest,
		"A resource of the cluster cannot be deleted because something still uses it.",
		"Delete or detach what the message names, then repeat the delete."}
	RefusedByAzure = Code{"RefusedByAzure", http.StatusBadRequest,
		"Azure refused, for some minutes, a request that an operation on the cluster needs.",
		"The message contains Azure's error code and message, and names the resource. Remove the cause, then repeat the request."}
	ScopeLocked = Code{"ScopeLocked", http.StatusConflict,
		"A management lock forbids the change.",
		"Remove the lock that the message names, then repeat the request."}

	OperationInProgress = Code{"OperationInProgress", http.StatusConflict,
		"Another operation on the cluster is still running.",
		"Wait until the operation that the message names has ended. DELETE is accepted at any time."}
	PreconditionFailed = Code{"PreconditionFailed", http.StatusPreconditionFailed,
		"The condition in If-Match or If-None-Match is not met.",
		"Read the cluster again. If the change is still right, repeat the request with the current ETag."}
	WriteConflict = Code{"Conflict", http.StatusConflict,
		"Other requests changed the resource at the same time, repeatedly.",
		"Read the resource again and retry."}

	ClusterCreationFailed = Code{"ClusterCreationFailed", http.StatusInternalServerError,
		"An asynchronous create could not be completed.",
		"The message names the step. Delete the cluster and create it again."}
	OperationFailed = Code{"OperationFailed", http.StatusInternalServerError,
		"A step of an asynchronous operation failed for a reason the service does not understand.",
		"The message names the step. Repeat the request; if it persists contact support with the correlation id."}
	StepTimedOut = Code{"StepTimedOut", http.StatusInternalServerError,
		"A step of an asynchronous operation exceeded its time limit.",
		"The message names the step and what it was waiting for. Repeat the request or delete the cluster."}
	TooManyClaims = Code{"TooManyAttempts", http.StatusInternalServerError,
		"The workers that ran an operation stopped repeatedly before it ended.",
		"Repeat the request; if it persists contact support with the correlation id."}
	OperationCanceled = Code{"OperationCanceled", http.StatusConflict,
		"The operation was cancelled because the cluster is being deleted.",
		"Nothing: follow the operation of the delete."}
)

// Catalogue lists every code in the order of docs/errors.md.
func Catalogue() []Code {
	return []Code{
		InvalidRequestContent, InvalidParameter, InvalidNetworkAddress, InvalidCIDRRange, PropertyChangeNotAllowed,
		MismatchingResourceID, MismatchingResourceName, MismatchingResourceType, PlatformWorkloadIdentityMismatch,
		DuplicateResourceGroup, DuplicateClientID, DuplicateDomain, ClusterResourceGroupAlreadyExists,
		InvalidServicePrincipalCredentials, InvalidServicePrincipalToken, InvalidServicePrincipalClaims,
		InvalidServicePrincipalPermissions, InvalidResourceProviderPermissions, InvalidWorkloadIdentityPermissions,
		InvalidClusterMSIPermissions, InvalidPlatformWorkloadIdentity, PlatformWorkloadIdentityContainsInvalidCredential,
		InvalidLinkedVNet, InvalidLinkedSubnet, InvalidLinkedRouteTable, InvalidLinkedNatGateway, InvalidLinkedDiskEncryptionSet,
		InvalidResourceID, ResourceProviderNotRegistered, ResourceQuotaExceeded, QuotaExceeded,
		RequestDisallowedByPolicy, ScopeLocked, CannotDeleteLoadBalancerWithPrivateLinkService, InUseSubnetCannotBeDeleted, ResourceInUse, RefusedByAzure,
		DeploymentFailed, ComponentNotReady, AdmissionDenied,
		InvalidResourceType, InvalidSubscriptionID, InvalidSubscriptionState, InvalidResourceGroup,
		InvalidResourceNamespace, InvalidResourceName, InvalidLocation, InvalidOperationID, RequestNotAllowed,
		Forbidden, MisdirectedRequest, NotFound, ResourceNotFound, MethodNotAllowed, UnsupportedMediaType, RequestTooLarge,
		OperationInProgress, WriteConflict, PreconditionFailed,
		ClusterCreationFailed, OperationFailed, StepTimedOut, TooManyClaims, OperationCanceled,
		TooManyRequests, ServiceUnavailable, KubeconfigExpired, RecordUnreadable, InternalServerError,
	}
}

package model

import "time"

// Internal is the state of a cluster that only the service sees. Comments say what
// it means if an older document lacks a member.
type Internal struct {
	Unknown

	// UID is unique among all clusters that ever had this resource id.
	UID string `json:"uid,omitempty"`
	// Revision grows with every change that customers can see; it is the ETag.
	Revision  int64     `json:"revision,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitempty"`
	// CreatedBy and ProvisionedBy are builds of the service.
	CreatedBy     string `json:"createdBy,omitempty"`
	ProvisionedBy string `json:"provisionedBy,omitempty"`
	// Installer is the build of the installer that created the cluster, empty
	// before.
	Installer string `json:"installer,omitempty"`
	// TenantID is that of the subscription when the last operation began; see
	// Cluster.FollowTenant.
	TenantID string `json:"tenantId,omitempty"`

	// LastProvisioningState is the state before the running operation, and
	// FailedProvisioningState the state in which the last failed one was.
	LastProvisioningState   ProvisioningState `json:"lastProvisioningState,omitempty"`
	FailedProvisioningState ProvisioningState `json:"failedProvisioningState,omitempty"`
	// LastAdminUpdateError is the error of the last maintenance; empty if it succeeded.
	LastAdminUpdateError string `json:"lastAdminUpdateError,omitempty"`
	// MaintenanceState is the maintenance that customers can expect; empty means
	// None.
	MaintenanceState MaintenanceState `json:"maintenanceState,omitempty"`
	// MaintenanceTask is the task of the running admin update; empty means
	// Everything.
	MaintenanceTask MaintenanceTask `json:"maintenanceTask,omitempty"`
	// OperatorFlags replace default flags of the operator in this cluster. Engineers set them.
	OperatorFlags map[string]string `json:"operatorFlags,omitempty"`

	// Operation is the running operation; nil when the state is terminal.
	Operation *Operation `json:"operation,omitempty"`
	// Transitions are the last changes of the state, oldest first.
	Transitions []Transition `json:"transitions,omitempty"`

	// Names are chosen once, and stored before a resource with the name is
	// created.
	InfraID                     string `json:"infraId,omitempty"`
	StorageSuffix               string `json:"storageSuffix,omitempty"`
	ImageRegistryStorageAccount string `json:"imageRegistryStorageAccountName,omitempty"`
	// OutboundIPs are the names of the public IPs for outbound traffic only.
	OutboundIPs []string `json:"outboundIps,omitempty"`

	// SSHKey is the private key of the machines' user core, PEM.
	SSHKey Secret `json:"sshKey,omitempty"`
	// BoundServiceAccountSigningKey signs tokens of workload identities, PEM. It
	// must not change after the cluster was installed with it.
	BoundServiceAccountSigningKey Secret `json:"boundServiceAccountSigningKey,omitempty"`
	// TrustingIdentities are the resource ids of the identities whose federated
	// credentials may trust the cluster, including those of former operators.
	TrustingIdentities []string `json:"trustingIdentities,omitempty"`
	// MTU of the machines' network, in bytes; 0 means 1500.
	MTU int `json:"mtuSize,omitempty"`
	// Zones of the machines; empty if the region or size has none.
	Zones []string `json:"zones,omitempty"`
	// PrivateEndpointIP is the address at which the service connects to the
	// cluster's API server.
	PrivateEndpointIP string `json:"apiServerPrivateEndpointIp,omitempty"`
	// ResourceProviderID is the object id of the service's own application in the
	// customer's tenant.
	ResourceProviderID string `json:"resourceProviderId,omitempty"`
	// ActingPrincipals are the object ids of the principals that the cluster was
	// last configured with; empty if they were not recorded.
	ActingPrincipals []string `json:"actingPrincipals,omitempty"`

	// AdminKubeconfig is that of the installer; ServiceKubeconfig is for the
	// service, SREKubeconfig for its operators; UserAdminKubeconfig is returned to
	// customers.
	AdminKubeconfig     Secret `json:"adminKubeconfig,omitempty"`
	ServiceKubeconfig   Secret `json:"aroServiceKubeconfig,omitempty"`
	SREKubeconfig       Secret `json:"aroSREKubeconfig,omitempty"`
	UserAdminKubeconfig Secret `json:"userAdminKubeconfig,omitempty"`
	KubeadminPassword   Secret `json:"kubeadminPassword,omitempty"`

	// Observation is when version, network type and workers were last read from
	// the cluster. Nil means never since its creation.
	Observation *Observation `json:"observation,omitempty"`

	// LastFailure and Diagnostics describe the last operation, if it failed.
	LastFailure *Failure     `json:"lastFailure,omitempty"`
	Diagnostics *Diagnostics `json:"diagnostics,omitempty"`
}

// Observation records when the service last read the state of a cluster.
type Observation struct {
	Unknown

	// At is the time of the last successful read, TriedAt that of the last
	// attempt.
	At      time.Time `json:"at,omitempty"`
	TriedAt time.Time `json:"triedAt,omitempty"`
	// Error is the error of the last attempt; empty if it succeeded.
	Error string `json:"error,omitempty"`
}

// Failure is how an operation failed.
type Failure struct {
	Unknown

	OperationID string         `json:"operationId,omitempty"`
	Step        string         `json:"step,omitempty"`
	At          time.Time      `json:"at,omitempty"`
	Error       OperationError `json:"error"`
}

// Diagnostics is what was read from a cluster after a step failed, for the
// operators of the service. It holds no secrets.
type Diagnostics struct {
	Unknown

	At time.Time `json:"at,omitempty"`
	// Findings in the order in which they were collected.
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is the result of one diagnostic; Text is bounded and may have several
// lines.
type Finding struct {
	Unknown

	Name string `json:"name,omitempty"`
	Text string `json:"text,omitempty"`
}

// OperationKind is the kind of an operation.
type OperationKind string

// The four kinds of operations.
const (
	Create      OperationKind = "Create"
	Update      OperationKind = "Update"
	AdminUpdate OperationKind = "AdminUpdate"
	Delete      OperationKind = "Delete"
)

// MaintenanceTask is the scope of an admin update.
type MaintenanceTask string

// The maintenance tasks.
const (
	Everything          MaintenanceTask = "Everything"
	OperatorUpdate      MaintenanceTask = "OperatorUpdate"
	CertificatesRenewal MaintenanceTask = "CertificatesRenewal"
	SyncClusterObject   MaintenanceTask = "SyncClusterObject"
	MigrateLoadBalancer MaintenanceTask = "MigrateLoadBalancer"
)

// KubeconfigRenewal replaces the kubeconfig that customers get, and does not access
// the cluster. The service starts it if a customer requests a kubeconfig that is
// about to expire. It is not in MaintenanceTasks and not shown to customers;
// engineers use CertificatesRenewal.
const KubeconfigRenewal MaintenanceTask = "KubeconfigRenewal"

// MaintenanceTasks lists every task that can be requested.
func MaintenanceTasks() []MaintenanceTask {
	return []MaintenanceTask{Everything, OperatorUpdate, CertificatesRenewal, SyncClusterObject, MigrateLoadBalancer}
}

// MaintenanceState is whether maintenance is announced, pending or running.
type MaintenanceState string

// The maintenance states. An admin update sets Planned if the state was Pending,
// else Unplanned, and None when it succeeds.
const (
	NoMaintenance        MaintenanceState = "None"
	MaintenancePending   MaintenanceState = "Pending"
	MaintenancePlanned   MaintenanceState = "Planned"
	MaintenanceUnplanned MaintenanceState = "Unplanned"
	CustomerActionNeeded MaintenanceState = "CustomerActionNeeded"
)

// AnnouncedStates are the states that can be set without an admin update.
func AnnouncedStates() []MaintenanceState {
	return []MaintenanceState{MaintenancePending, NoMaintenance, CustomerActionNeeded}
}

// MaintenanceRequests are the values that can be requested: the tasks, and the
// names of the states.
func MaintenanceRequests() []MaintenanceTask {
	all := MaintenanceTasks()
	for _, state := range AnnouncedStates() {
		all = append(all, MaintenanceTask(state))
	}
	return all
}

// Operation is one run of a plan for a cluster, and its progress.
type Operation struct {
	Unknown

	// ID is the id of the operation document that clients poll; a fresh UUID (L12).
	ID        string        `json:"id,omitempty"`
	Kind      OperationKind `json:"kind,omitempty"`
	StartedAt time.Time     `json:"startedAt,omitempty"`
	// Finished are the steps that succeeded, in order. They do not run again.
	Finished []Step `json:"finished,omitempty"`
	// Current is the running step; nil before the first and between two steps.
	Current *Step `json:"current,omitempty"`
	// Steps is how many steps the plan has.
	Steps int `json:"steps,omitempty"`
	// CorrelationID, ClientRequestID and RequestID are those of the request that
	// started the operation.
	CorrelationID   string `json:"correlationId,omitempty"`
	ClientRequestID string `json:"clientRequestId,omitempty"`
	RequestID       string `json:"requestId,omitempty"`
	// TraceParent is the span of that request (W3C Trace Context), below which the workers'
	// spans are.
	TraceParent string `json:"traceParent,omitempty"`
	// RequestedBy is the name that the caller reported, and APIVersion that of the request.
	RequestedBy string `json:"requestedBy,omitempty"`
	APIVersion  string `json:"apiVersion,omitempty"`
	// Before is what customers saw before an Update or AdminUpdate; see Cluster.Visible.
	Before string `json:"before,omitempty"`
	// Replaced is the operation that a Delete replaced; nil if none ran.
	Replaced *Operation `json:"replaced,omitempty"`
}

// Step is the record of one step of a plan.
type Step struct {
	Unknown

	Name      string    `json:"name,omitempty"`
	StartedAt time.Time `json:"startedAt,omitempty"`
	EndedAt   time.Time `json:"endedAt,omitempty"`
	// Attempts counts the attempts; a condition is attempted repeatedly.
	Attempts int `json:"attempts,omitempty"`
	// WaitingFor is a short description of what the step waits for.
	WaitingFor string `json:"waitingFor,omitempty"`
	// LastError is the last failed attempt's error, for engineers.
	LastError string `json:"lastError,omitempty"`
	// Refusal is that error as customers see it while the step is retried; nil if
	// customers do not see it.
	Refusal *OperationError `json:"refusal,omitempty"`
	// RefusedSince is the time of the first of the consecutive refusals that are
	// retried for a bounded time only.
	RefusedSince time.Time `json:"refusedSince,omitempty"`
	// NextAttempt is the time of the next attempt.
	NextAttempt time.Time `json:"nextAttempt,omitempty"`
	// Running are the unfinished long-running operations of Azure that the step started:
	// resume tokens of the SDK by subject.
	Running map[string]string `json:"running,omitempty"`
	// Waited is the time that the step waited, in seconds, by wait.Party.
	Waited map[string]float64 `json:"waited,omitempty"`
}

// Transition is one change of the provisioning state.
type Transition struct {
	Unknown

	At          time.Time         `json:"at,omitempty"`
	From        ProvisioningState `json:"from,omitempty"`
	To          ProvisioningState `json:"to,omitempty"`
	OperationID string            `json:"operationId,omitempty"`
	// Reason is the error code when an operation failed.
	Reason string `json:"reason,omitempty"`
}

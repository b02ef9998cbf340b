package model

import "time"

// Internal is the service's own knowledge of a cluster. A member absent from an
// older document means what the comment says, never "broken".
type Internal struct {
	Unknown

	// UID names this cluster among all that ever had its resource id.
	UID string `json:"uid,omitempty"`
	// Revision grows with every change a customer can see; it is the ETag.
	Revision  int64     `json:"revision,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitempty"`
	// CreatedBy and ProvisionedBy are builds of the service.
	CreatedBy     string `json:"createdBy,omitempty"`
	ProvisionedBy string `json:"provisionedBy,omitempty"`
	// Installer is the build of the installer that made the cluster, empty before.
	Installer string `json:"installer,omitempty"`
	// TenantID of the subscription when the last operation began; see Cluster.FollowTenant.
	TenantID string `json:"tenantId,omitempty"`

	// LastProvisioningState is the state before the running operation, and
	// FailedProvisioningState the state in which the last failed one was.
	LastProvisioningState   ProvisioningState `json:"lastProvisioningState,omitempty"`
	FailedProvisioningState ProvisioningState `json:"failedProvisioningState,omitempty"`
	// LastAdminUpdateError is the text of the last failed maintenance; empty when it went well.
	LastAdminUpdateError string `json:"lastAdminUpdateError,omitempty"`
	// MaintenanceState says what customers are to expect; empty means None.
	MaintenanceState MaintenanceState `json:"maintenanceState,omitempty"`
	// MaintenanceTask is what the running admin update does; empty means Everything.
	MaintenanceTask MaintenanceTask `json:"maintenanceTask,omitempty"`

	// Operation is the running operation; nil when the state is terminal.
	Operation *Operation `json:"operation,omitempty"`
	// Transitions are the last moves of the state, oldest first.
	Transitions []Transition `json:"transitions,omitempty"`

	// Names are chosen once and stored before anything carries them.
	InfraID                     string `json:"infraId,omitempty"`
	StorageSuffix               string `json:"storageSuffix,omitempty"`
	ImageRegistryStorageAccount string `json:"imageRegistryStorageAccountName,omitempty"`
	// OutboundIPs are the names of public IPs made for outbound traffic alone.
	OutboundIPs []string `json:"outboundIps,omitempty"`

	// SSHKey is the private key of the machines' user core, PEM.
	SSHKey Secret `json:"sshKey,omitempty"`
	// BoundServiceAccountSigningKey signs tokens of workload identities, PEM.
	// Once the cluster was installed with it, it must not change.
	BoundServiceAccountSigningKey Secret `json:"boundServiceAccountSigningKey,omitempty"`
	// TrustingIdentities are the resource ids of the identities whose federated
	// credentials may trust the cluster, those of former operators included.
	TrustingIdentities []string `json:"trustingIdentities,omitempty"`
	// MTU of the machines' network, in bytes; 0 means 1500.
	MTU int `json:"mtuSize,omitempty"`
	// Zones of the machines; empty means that the region or size has none.
	Zones []string `json:"zones,omitempty"`
	// PrivateEndpointIP is where the service reaches the cluster's API server.
	PrivateEndpointIP string `json:"apiServerPrivateEndpointIp,omitempty"`
	// ResourceProviderID is the object id of the service's own application in the
	// customer's tenant.
	ResourceProviderID string `json:"resourceProviderId,omitempty"`
	// ActingPrincipals are the object ids of those whom the cluster was told last to
	// act as; empty means that nobody recorded them.
	ActingPrincipals []string `json:"actingPrincipals,omitempty"`

	// AdminKubeconfig is the installer's; ServiceKubeconfig and SREKubeconfig are
	// for the service and for those who run it; UserAdminKubeconfig is given out.
	AdminKubeconfig     Secret `json:"adminKubeconfig,omitempty"`
	ServiceKubeconfig   Secret `json:"aroServiceKubeconfig,omitempty"`
	SREKubeconfig       Secret `json:"aroSREKubeconfig,omitempty"`
	UserAdminKubeconfig Secret `json:"userAdminKubeconfig,omitempty"`
	KubeadminPassword   Secret `json:"kubeadminPassword,omitempty"`

	// Observation dates what the cluster last said of itself: its version, network
	// type and workers. Nil means that it was not asked since it was created.
	Observation *Observation `json:"observation,omitempty"`

	// LastFailure and Diagnostics are of the last operation, if it failed.
	LastFailure *Failure     `json:"lastFailure,omitempty"`
	Diagnostics *Diagnostics `json:"diagnostics,omitempty"`
}

// Observation is when the service last looked at a cluster.
type Observation struct {
	Unknown

	// At is when the cluster last answered, TriedAt when it was last asked.
	At      time.Time `json:"at,omitempty"`
	TriedAt time.Time `json:"triedAt,omitempty"`
	// Error is why it did not answer then; empty if it did.
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

// Diagnostics is what was found out about a cluster after a step failed, for
// those who run the service. It holds no secrets.
type Diagnostics struct {
	Unknown

	At time.Time `json:"at,omitempty"`
	// Findings in the order they were gathered.
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is one thing looked at; Text is bounded and may be several lines.
type Finding struct {
	Unknown

	Name string `json:"name,omitempty"`
	Text string `json:"text,omitempty"`
}

// OperationKind says what an operation makes of a cluster.
type OperationKind string

// The four kinds of operations.
const (
	Create      OperationKind = "Create"
	Update      OperationKind = "Update"
	AdminUpdate OperationKind = "AdminUpdate"
	Delete      OperationKind = "Delete"
)

// MaintenanceTask says how much of a cluster's maintenance an admin update does.
type MaintenanceTask string

// The maintenance tasks.
const (
	Everything          MaintenanceTask = "Everything"
	CertificatesRenewal MaintenanceTask = "CertificatesRenewal"
	MigrateLoadBalancer MaintenanceTask = "MigrateLoadBalancer"
)

// KubeconfigRenewal replaces the kubeconfig that customers are given, and asks
// nothing of the cluster. The service begins it when a customer asks for one that
// expires; engineers have CertificatesRenewal, and customers are not told of it.
const KubeconfigRenewal MaintenanceTask = "KubeconfigRenewal"

// MaintenanceTasks lists every task that may be asked for.
func MaintenanceTasks() []MaintenanceTask {
	return []MaintenanceTask{Everything, CertificatesRenewal, MigrateLoadBalancer}
}

// MaintenanceState says whether maintenance is to come, or what it waits for.
type MaintenanceState string

// The maintenance states. An admin update sets Planned if it was Pending, else
// Unplanned, and None when it ends well.
const (
	NoMaintenance        MaintenanceState = "None"
	MaintenancePending   MaintenanceState = "Pending"
	MaintenancePlanned   MaintenanceState = "Planned"
	MaintenanceUnplanned MaintenanceState = "Unplanned"
	CustomerActionNeeded MaintenanceState = "CustomerActionNeeded"
)

// AnnouncedStates are the states that are told without an admin update.
func AnnouncedStates() []MaintenanceState {
	return []MaintenanceState{MaintenancePending, NoMaintenance, CustomerActionNeeded}
}

// MaintenanceRequests are what may be asked for: the tasks, and the states by
// the same names.
func MaintenanceRequests() []MaintenanceTask {
	all := MaintenanceTasks()
	for _, state := range AnnouncedStates() {
		all = append(all, MaintenanceTask(state))
	}
	return all
}

// Operation is one run of a plan against a cluster, and its progress.
type Operation struct {
	Unknown

	// ID is the id of the operation document that clients poll; a fresh UUID (L12).
	ID        string        `json:"id,omitempty"`
	Kind      OperationKind `json:"kind,omitempty"`
	StartedAt time.Time     `json:"startedAt,omitempty"`
	// Finished are the steps that ended well, in order. They never run again.
	Finished []Step `json:"finished,omitempty"`
	// Current is the step under way; nil before the first and between two.
	Current *Step `json:"current,omitempty"`
	// Steps is how many steps the plan has.
	Steps int `json:"steps,omitempty"`
	// CorrelationID, ClientRequestID and RequestID are of the request that began it.
	CorrelationID   string `json:"correlationId,omitempty"`
	ClientRequestID string `json:"clientRequestId,omitempty"`
	RequestID       string `json:"requestId,omitempty"`
}

// Step is the record of one step of a plan.
type Step struct {
	Unknown

	Name      string    `json:"name,omitempty"`
	StartedAt time.Time `json:"startedAt,omitempty"`
	EndedAt   time.Time `json:"endedAt,omitempty"`
	// Attempts counts the tries; a condition that waits tries again and again.
	Attempts int `json:"attempts,omitempty"`
	// WaitingFor says in a few words what the step waits for.
	WaitingFor string `json:"waitingFor,omitempty"`
	// LastError is the last failed attempt's error, for engineers.
	LastError string `json:"lastError,omitempty"`
	// Refusal is that error as customers see it while the step is tried again; nil
	// where it says nothing to them.
	Refusal *OperationError `json:"refusal,omitempty"`
	// RefusedSince is when the first of the refusals came that the step has met in a
	// row and that are tried again for a bounded time only.
	RefusedSince time.Time `json:"refusedSince,omitempty"`
	// NextAttempt is when it is tried again.
	NextAttempt time.Time `json:"nextAttempt,omitempty"`
	// Running are the long-running operations of Azure that it has begun and whose end it
	// has not seen: the SDK's resume tokens, by what they are about.
	Running map[string]string `json:"running,omitempty"`
	// Waited is how long it waited, in seconds, by whom it waited for.
	Waited map[string]float64 `json:"waited,omitempty"`
}

// Transition is one move of the provisioning state.
type Transition struct {
	Unknown

	At          time.Time         `json:"at,omitempty"`
	From        ProvisioningState `json:"from,omitempty"`
	To          ProvisioningState `json:"to,omitempty"`
	OperationID string            `json:"operationId,omitempty"`
	// Reason is the error code when an operation failed.
	Reason string `json:"reason,omitempty"`
}

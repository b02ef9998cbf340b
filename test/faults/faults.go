// Package faults lists the faults that tests inject: at least one for each step of
// the plans, with the resulting error, or the reason why a step has none.
//
// It is data only. Tests with clusters inject the faults (local/systemtest/proof),
// and docs/faults.md is generated from it.
package faults

import (
	"net/http"
	"slices"
)

// Fault is one thing that goes wrong in one step.
type Fault struct {
	Plan, Step string
	What       string // for people
	On         Kind   // the cluster for the fault
	Boots      bool   // machines, before anything goes wrong
	// Exactly one of these is set: calls to Azure, ...
	Calls *Calls
	// ... by the cluster's control plane, which stops when the step of this name is
	// done, ...
	Stop string
	// ... by the client secret of the request, ...
	Secret string
	// ... or by what the program in place of the installer does.
	Installer Installer
	// Code and Target are those of the error. The target is a member of the cluster,
	// or empty.
	Code, Target string
}

// AtOnce is in place of a step's name.
const AtOnce = "at once"

// Kind is a kind of cluster.
type Kind string

// The kinds: with a service principal, with workload identities, and with a
// service principal and disks encrypted by a key of the customer.
const (
	Classic   Kind = "classic"
	Modern    Kind = "modern"
	Encrypted Kind = "encrypted"
	// Alone is Classic without other clusters, for calls that name none, and in a
	// network without an earlier cluster, for calls that only the first makes.
	Alone Kind = "alone"
)

// Installer is what the installer does in place of its work.
type Installer string

// It exits with an error, writes an invalid result, or does not end.
const (
	Exits   Installer = "exits"
	Garbage Installer = "garbage"
	Hangs   Installer = "hangs"
)

// Calls selects calls to Azure: from the nth of them, all.
type Calls struct {
	Method string
	// Path is a regular expression, in which NAME is the cluster's name, UID its id in
	// the service and SUFFIX the end of its storage accounts' names.
	Path string
	Nth  int
	// ByPrincipal selects the calls of the cluster's service principal.
	ByPrincipal bool
	Answer      Answer
}

// Answer is the response of the local Azure.
type Answer struct {
	Kind       string `json:"kind"`
	Status     int    `json:"status,omitempty"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	RetryAfter int    `json:"retryAfter,omitempty"`
}

// Answers of Azure.
var (
	denied    = Answer{Kind: "policyDenied"}
	quota     = Answer{Kind: "quota"}
	throttled = Answer{Kind: "throttle", RetryAfter: 1}
	disabled  = fail(http.StatusConflict, "ReadOnlyDisabledSubscription", "The subscription is disabled and therefore marked as read only.")
	absent    = fail(http.StatusNotFound, "ResourceNotFound", "The resource was not found.")
	away      = fail(http.StatusServiceUnavailable, "ServerBusy", "The server is currently unable to receive requests.")
	locked    = fail(http.StatusConflict, "ScopeLocked", "The scope cannot perform the operation because a lock is in force.")
	taken     = fail(http.StatusPreconditionFailed, "PreconditionFailed", "The record set exists.")
)

func fail(status int, code, message string) Answer {
	return Answer{Kind: "fail", Status: status, Code: code, Message: message}
}

// The plans.
const (
	create = "create"
	update = "update"
	remove = "delete"
)

// All are the faults. Within a plan those come first that are waited for longest.
func All() []Fault { return slices.Concat(creates(), updates(), deletes()) }

// Of are those faults of a plan that meet a kind of cluster.
func Of(all []Fault, plan string, on Kind) []Fault {
	return slices.DeleteFunc(slices.Clone(all), func(f Fault) bool { return f.Plan != plan || f.On != on })
}

// Samples are All without those that repeat another one in a later step of the same plan
// and for which machines have to boot or a control plane has to stop first.
func Samples() []Fault {
	type kind struct{ plan, what string }
	seen := map[kind]bool{}
	return slices.DeleteFunc(All(), func(f Fault) bool {
		k := kind{f.Plan, f.What}
		repeated := seen[k] && (f.Boots || f.Stop != "")
		seen[k] = true
		return repeated
	})
}

// Passing is a resource of a create's deployment that Azure accepts, and that fails
// later, once, in a way that passes: it is deployed again.
type Passing struct {
	Step, What string
	// Path is a regular expression like that of Calls.
	Path string
	// Code is that of Azure, which the running operation shows.
	Code string
}

// Passes are the faults that pass.
func Passes() []Passing {
	const network, machines = "deploy network and storage", "deploy machines"
	return []Passing{
		{network, "the storage account is being changed", "/NAME-managed/.*/storageAccounts/cluster[^/]+$", "StorageAccountOperationInProgress"},
		{network, "Azure breaks", "/NAME-managed/.*/loadBalancers/[^/]+-internal$", "InternalServerError"},
		{machines, "a master does not start in time", "/NAME-managed/.*/virtualMachines/[^/]+-master-1$", "OSProvisioningTimedOut"},
		{machines, "the bootstrap machine does not start in time", "/NAME-managed/.*/virtualMachines/[^/]+-bootstrap$", "VMStartTimedOut"},
	}
}

// Reason is why no fault is injected into a step.
type Reason struct{ Plan, Step, Why string }

// Exempt are the steps without a fault.
func Exempt() []Reason {
	const (
		database = "It uses only the service's database. While the database does not answer, no operation fails: a worker continues when it answers again, as a test with a locked database proves."
		known    = "It uses what `validate` has just read from Azure, from memory. A fault there ends the operation in `validate`."
		attempt  = "It is optional: a failure is only a warning in the log."
	)
	return []Reason{
		{create, "find resource provider", known},
		{create, "choose zones", known},
		{create, "choose names", database},
		{create, "choose token issuer", database},
		{create, "choose outbound addresses", database},
		{create, "begin billing", database},
		{create, "record principals", database},
		{update, "restore rights", attempt},
		{update, "find resource provider", known},
		{update, "rights of former principals", "It asks for roles as `roles of the service principal` does, and changes nothing unless the principal changed."},
		{update, "user's kubeconfig", "It sends no request while the kubeconfig is valid. Otherwise it does the same as `make kubeconfigs`."},
		{remove, "restore rights", attempt},
		{remove, "remove federated credentials", attempt},
		{remove, "end billing", database},
	}
}

// Maintenance are the steps that only maintenance has. No fault is injected into
// them; the others are tried in creates and updates.
func Maintenance() []string {
	return []string{"find task", "settings of storage", "record build", "infra id", "internal address",
		"add temporary frontend", "link temporary frontend", "remove frontend without zones", "add frontend with zones",
		"link frontend with zones", "remove temporary frontend", "rules for SSH",
		"pools of masters", "registry's storage account", "machine config server's certificate", "user data of machines",
		"address of the router", "size of packets", "operator replaced"}
}

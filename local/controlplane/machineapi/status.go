package machineapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// invalid is what is wrong with a machine's own spec.
type invalid string

func (e invalid) Error() string { return string(e) }

// errGone is the end of a machine whose virtual machine someone else deleted.
var errGone = invalid("Can't find created instance.")

func phase(machine *machinev1beta1.Machine) string { return ptr.Deref(machine.Status.Phase, "") }

// noteNode completes a machine whose node is ready. A machine that was running stays so: its node
// shows its health.
func noteNode(status *machinev1beta1.MachineStatus, node *corev1.Node) {
	if node == nil || ptr.Deref(status.Phase, "") == machinev1beta1.PhaseFailed {
		return
	}
	status.NodeRef = &corev1.ObjectReference{Kind: "Node", Name: node.Name, UID: node.UID}
	status.Addresses = node.Status.Addresses
	if ready(node) {
		status.Phase = ptr.To(machinev1beta1.PhaseRunning)
	}
}

func noteVM(status *machinev1beta1.MachineStatus, vm *virtualMachine) {
	status.ErrorMessage, status.ErrorReason = nil, nil
	status.ProviderStatus = providerStatus(status.ProviderStatus, vm, metav1.Condition{
		Type: string(machinev1beta1.MachineCreated), Status: metav1.ConditionTrue,
		Reason: "MachineCreationSucceeded", Message: "machine successfully created",
	})
	if ptr.Deref(status.Phase, "") == machinev1beta1.PhaseProvisioning {
		status.Phase = ptr.To(machinev1beta1.PhaseProvisioned)
	}
}

// noteFailure records why there is no virtual machine. If a retry cannot help, the machine has
// failed for good.
func noteFailure(status *machinev1beta1.MachineStatus, err error) {
	reason, message, final := explain(err)
	status.ProviderStatus = providerStatus(status.ProviderStatus, nil, metav1.Condition{
		Type: string(machinev1beta1.MachineCreated), Status: metav1.ConditionFalse,
		Reason: "MachineCreationFailed", Message: message,
	})
	status.ErrorMessage = &message
	if final {
		status.ErrorReason, status.Phase = &reason, ptr.To(machinev1beta1.PhaseFailed)
	}
}

// quotaCodes are Azure's words for what the subscription cannot have.
var quotaCodes = []string{"QuotaExceeded", "OperationNotAllowed", "SkuNotAvailable", "ResourceQuotaExceeded", "PublicIPCountLimitReached"}

// explain returns what to write into a machine's status, and whether that is final. Conflicts,
// throttling and bad credentials may be temporary.
func explain(err error) (reason machinev1beta1.MachineStatusError, message string, final bool) {
	var wrong invalid
	if errors.As(err, &wrong) {
		return machinev1beta1.InvalidConfigurationMachineError, wrong.Error(), true
	}
	var refused *azcore.ResponseError
	if !errors.As(err, &refused) {
		return machinev1beta1.CreateMachineError, err.Error(), false
	}
	message = refused.ErrorCode
	if text := azureMessage(refused); text != "" {
		message += ": " + text
	}
	switch {
	case slices.Contains(quotaCodes, refused.ErrorCode):
		return machinev1beta1.InsufficientResourcesMachineError, message, true
	case refused.StatusCode == http.StatusBadRequest, refused.StatusCode == http.StatusForbidden, refused.StatusCode == http.StatusNotFound:
		return machinev1beta1.InvalidConfigurationMachineError, message, true
	default:
		return machinev1beta1.CreateMachineError, message, false
	}
}

// azureMessage is the text of Azure's answer without the request.
func azureMessage(refused *azcore.ResponseError) string {
	if refused.RawResponse == nil {
		return ""
	}
	body, err := runtime.Payload(refused.RawResponse)
	if err != nil {
		return ""
	}
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Error.Message
}

// providerStatus is Azure's part of a machine's status; a nil vm keeps what is known.
func providerStatus(old *apiruntime.RawExtension, vm *virtualMachine, condition metav1.Condition) *apiruntime.RawExtension {
	status := machinev1beta1.AzureMachineProviderStatus{}
	if old != nil {
		_ = json.Unmarshal(old.Raw, &status) // starts from an empty status if the old one has another type
	}
	status.TypeMeta = metav1.TypeMeta{Kind: "AzureMachineProviderStatus", APIVersion: machinev1beta1.GroupVersion.String()}
	if vm != nil {
		state := machinev1beta1.AzureVMState(vm.state)
		status.VMID, status.VMState = &vm.id, &state
	}
	meta.SetStatusCondition(&status.Conditions, condition)
	content, err := json.Marshal(status)
	if err != nil || old != nil && sameJSON(old.Raw, content) {
		return old
	}
	return &apiruntime.RawExtension{Raw: content}
}

// sameJSON ignores the order of members, which the API server changes.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && equality.Semantic.DeepEqual(x, y)
}

// hasVM reports whether a virtual machine was seen once.
func hasVM(raw *apiruntime.RawExtension) bool {
	var status machinev1beta1.AzureMachineProviderStatus
	return json.Unmarshal(raw.Raw, &status) == nil && status.VMID != nil
}

package model

import (
	"time"

	"github.com/aro-rp/aro/arm"
)

// ProvisioningState is the state of a cluster in its lifecycle.
type ProvisioningState string

// The states. The first four are in progress, the others terminal (L02).
const (
	Creating      ProvisioningState = "Creating"
	Updating      ProvisioningState = "Updating"
	AdminUpdating ProvisioningState = "AdminUpdating"
	Deleting      ProvisioningState = "Deleting"
	Succeeded     ProvisioningState = "Succeeded"
	Failed        ProvisioningState = "Failed"
	Canceled      ProvisioningState = "Canceled"
)

// Terminal reports whether no operation is running.
func (s ProvisioningState) Terminal() bool {
	return s == Succeeded || s == Failed || s == Canceled || s == ""
}

// underway is the state of a cluster while an operation of the kind runs.
var underway = map[OperationKind]ProvisioningState{
	Create: Creating, Update: Updating, AdminUpdate: AdminUpdating, Delete: Deleting,
}

// Underway returns the state of a cluster while an operation of this kind runs.
func (k OperationKind) Underway() ProvisioningState { return underway[k] }

// maxTransitions bounds the history kept in the document.
const maxTransitions = 20

// Begin starts an operation: it changes the state and makes op the running operation.
// It returns OperationInProgress while another one runs, and RequestNotAllowed after a
// failed create or delete. A Delete is accepted in every state and replaces the
// running operation (D05); the caller then has to end the replaced operation's
// document as Canceled. The task of an AdminUpdate must be set before.
func (c *Cluster) Begin(op Operation) error {
	if op.Kind != Delete {
		if err := c.MayChange(); err != nil {
			return err
		}
	}
	from := c.Properties.ProvisioningState
	if from.Terminal() {
		c.Internal.LastProvisioningState = from
	}
	if op.Kind == AdminUpdate && c.Internal.MaintenanceTask != KubeconfigRenewal {
		c.Internal.MaintenanceState = map[bool]MaintenanceState{true: MaintenancePlanned, false: MaintenanceUnplanned}[c.Internal.MaintenanceState == MaintenancePending]
	}
	op.Replaced = c.Internal.Operation
	c.move(op.Kind.Underway(), op.StartedAt, op.ID, "")
	c.Internal.Operation = &op
	return nil
}

// MayChange returns nil if an operation other than a delete may begin, and
// otherwise OperationInProgress or RequestNotAllowed.
func (c *Cluster) MayChange() error {
	state := c.Properties.ProvisioningState
	if op := c.Internal.Operation; op != nil || !state.Terminal() {
		id := ""
		if op != nil {
			id = op.ID
		}
		return arm.OperationInProgress.At("properties.provisioningState",
			"The cluster is in provisioning state %q because operation %s is running. Wait until it has ended.", state, id)
	}
	failed := c.Internal.FailedProvisioningState
	if state == Failed && (failed == Creating || failed == Deleting) {
		return arm.RequestNotAllowed.At("properties.provisioningState",
			"The cluster's provisioning state is %q because it failed while %s. Delete the cluster.", state, map[ProvisioningState]string{Creating: "being created", Deleting: "being deleted"}[failed])
	}
	return nil
}

// End ends the running operation with a terminal state. reason is the error code if
// it failed. After a failed maintenance the cluster returns to its previous state,
// and the error is kept.
func (c *Cluster) End(state ProvisioningState, reason string, now time.Time) {
	op := c.Internal.Operation
	id := ""
	if op != nil {
		id = op.ID
	}
	was := c.Properties.ProvisioningState
	switch {
	case was == AdminUpdating:
		announced := c.Internal.MaintenanceTask != KubeconfigRenewal
		if announced || state != Succeeded {
			c.Internal.LastAdminUpdateError = reason
		}
		if announced && state == Succeeded {
			c.Internal.MaintenanceState = NoMaintenance
		}
		c.Internal.MaintenanceTask = ""
		if last := c.Internal.LastProvisioningState; last != "" {
			state = last
		}
	case state == Failed:
		c.Internal.FailedProvisioningState = was
	default:
		c.Internal.FailedProvisioningState = ""
	}
	c.move(state, now, id, reason)
	c.Internal.Operation = nil
}

func (c *Cluster) move(to ProvisioningState, at time.Time, operationID, reason string) {
	c.Internal.Transitions = append(c.Internal.Transitions, Transition{
		At: at, From: c.Properties.ProvisioningState, To: to, OperationID: operationID, Reason: reason,
	})
	if n := len(c.Internal.Transitions); n > maxTransitions {
		c.Internal.Transitions = c.Internal.Transitions[n-maxTransitions:]
	}
	c.Properties.ProvisioningState = to
	c.Internal.Revision++
}

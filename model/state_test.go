package model_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

var (
	noon     = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	allKinds = []model.OperationKind{model.Create, model.Update, model.AdminUpdate, model.Delete}
)

func operation(kind model.OperationKind, id string) model.Operation {
	return model.Operation{ID: id, Kind: kind, StartedAt: noon}
}

// in is a cluster in a state; failed is what it was doing when it failed.
func in(state, failed model.ProvisioningState) *model.Cluster {
	c := valid()
	c.Properties.ProvisioningState = state
	c.Internal.FailedProvisioningState = failed
	if !state.Terminal() {
		c.Internal.Operation = &model.Operation{ID: "running"}
	}
	return c
}

func TestEachOperationHasItsState(t *testing.T) {
	for kind, want := range map[model.OperationKind]model.ProvisioningState{
		model.Create: model.Creating, model.Update: model.Updating, model.AdminUpdate: model.AdminUpdating, model.Delete: model.Deleting,
	} {
		if got := kind.Underway(); got != want || got.Terminal() {
			t.Errorf("%s: got %q, want %q, which is not terminal", kind, got, want)
		}
	}
	for _, state := range []model.ProvisioningState{model.Succeeded, model.Failed, model.Canceled, ""} {
		if !state.Terminal() {
			t.Errorf("%q is under way, want terminal", state)
		}
	}
}

func TestBegin(t *testing.T) {
	refused := func(c arm.Code) *arm.Code { return &c }
	for _, tc := range []struct {
		why     string
		cluster *model.Cluster
		kind    model.OperationKind
		want    *arm.Code
	}{
		{"a new cluster is created", in("", ""), model.Create, nil},
		{"a healthy cluster is updated", in(model.Succeeded, ""), model.Update, nil},
		{"a healthy cluster is maintained", in(model.Succeeded, ""), model.AdminUpdate, nil},
		{"a cancelled operation leaves a usable cluster", in(model.Canceled, ""), model.Update, nil},
		{"a failed update can be tried again", in(model.Failed, model.Updating), model.Update, nil},
		{"a failed maintenance can be tried again", in(model.Failed, model.AdminUpdating), model.AdminUpdate, nil},
		{"half a cluster cannot be updated", in(model.Failed, model.Creating), model.Update, refused(arm.RequestNotAllowed)},
		{"half a cluster cannot be maintained", in(model.Failed, model.Creating), model.AdminUpdate, refused(arm.RequestNotAllowed)},
		{"what is left of a cluster cannot be updated", in(model.Failed, model.Deleting), model.Update, refused(arm.RequestNotAllowed)},
		{"half a cluster can be deleted", in(model.Failed, model.Creating), model.Delete, nil},
		{"a failed delete can be repeated", in(model.Failed, model.Deleting), model.Delete, nil},
		{"two updates would both lose", in(model.Updating, ""), model.Update, refused(arm.OperationInProgress)},
		{"an update waits for the create", in(model.Creating, ""), model.Update, refused(arm.OperationInProgress)},
		{"an update waits for maintenance", in(model.AdminUpdating, ""), model.Update, refused(arm.OperationInProgress)},
		{"nothing comes back from a delete", in(model.Deleting, ""), model.Update, refused(arm.OperationInProgress)},
		{"a delete replaces the create (D05)", in(model.Creating, ""), model.Delete, nil},
		{"a delete replaces the update", in(model.Updating, ""), model.Delete, nil},
		{"a delete replaces maintenance", in(model.AdminUpdating, ""), model.Delete, nil},
	} {
		t.Run(tc.why, func(t *testing.T) {
			before := clone(tc.cluster)
			err := tc.cluster.Begin(operation(tc.kind, "new"))
			if tc.want == nil {
				expectBegun(t, tc.cluster, before, tc.kind, err)
				return
			}
			if !tc.want.Is(err) {
				t.Fatalf("got %v, want %s", err, tc.want.Name)
			}
			if got, want := tc.cluster.Internal.Revision, before.Internal.Revision; got != want || len(tc.cluster.Internal.Transitions) != 0 {
				t.Errorf("a refusal moved the cluster: revision %d, want %d", got, want)
			}
		})
	}
}

func expectBegun(t *testing.T, c, before *model.Cluster, kind model.OperationKind, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got %v, want no error", err)
	}
	was := before.Properties.ProvisioningState
	if got := c.Properties.ProvisioningState; got != kind.Underway() {
		t.Errorf("state: got %q, want %q", got, kind.Underway())
	}
	if op := c.Internal.Operation; op == nil || op.ID != "new" {
		t.Errorf("operation: got %+v, want the new one", op)
	}
	if c.Internal.Revision != before.Internal.Revision+1 {
		t.Errorf("revision: got %d, want one more than %d", c.Internal.Revision, before.Internal.Revision)
	}
	if was.Terminal() && c.Internal.LastProvisioningState != was {
		t.Errorf("last state: got %q, want %q", c.Internal.LastProvisioningState, was)
	}
	want := model.Transition{At: noon, From: was, To: kind.Underway(), OperationID: "new"}
	got := c.Internal.Transitions
	if len(got) != 1 || got[0].At != want.At || got[0].From != want.From || got[0].To != want.To || got[0].OperationID != want.OperationID {
		t.Errorf("transitions: got %+v, want %+v", got, want)
	}
}

func TestARefusalNamesWhatToWaitForOrToDo(t *testing.T) {
	for _, tc := range []struct {
		cluster  *model.Cluster
		mentions []string
	}{
		{in(model.Updating, ""), []string{`"Updating"`, "running", "Wait"}},
		{in(model.Failed, model.Creating), []string{`"Failed"`, "created", "Delete the cluster"}},
		{in(model.Failed, model.Deleting), []string{`"Failed"`, "deleted", "Delete the cluster"}},
	} {
		var err *arm.Error
		if !errors.As(tc.cluster.Begin(operation(model.Update, "new")), &err) {
			t.Fatal("got no typed error")
		}
		for _, word := range tc.mentions {
			if !strings.Contains(err.Message, word) {
				t.Errorf("%q does not mention %q", err.Message, word)
			}
		}
		if err.Target != "properties.provisioningState" {
			t.Errorf("target: got %q", err.Target)
		}
	}
}

func TestEnd(t *testing.T) {
	for _, tc := range []struct {
		why        string
		was        model.ProvisioningState
		kind       model.OperationKind
		end        model.ProvisioningState
		wantState  model.ProvisioningState
		wantFailed model.ProvisioningState
		wantAdmin  string
	}{
		{"a create that went well", "", model.Create, model.Succeeded, model.Succeeded, "", ""},
		{"a create that failed is remembered as one", "", model.Create, model.Failed, model.Failed, model.Creating, ""},
		{"an update that failed", model.Succeeded, model.Update, model.Failed, model.Failed, model.Updating, ""},
		{"an update that was cancelled", model.Succeeded, model.Update, model.Canceled, model.Canceled, "", ""},
		{"an update that went well heals", model.Failed, model.Update, model.Succeeded, model.Succeeded, "", ""},
		{"a delete that failed", model.Succeeded, model.Delete, model.Failed, model.Failed, model.Deleting, ""},
		{"maintenance that failed spoils nothing", model.Succeeded, model.AdminUpdate, model.Failed, model.Succeeded, "", "Reason"},
		{"maintenance does not hide an earlier failure", model.Failed, model.AdminUpdate, model.Succeeded, model.Failed, "", "Reason"},
		{"the first maintenance of an old document", "", model.AdminUpdate, model.Succeeded, model.Succeeded, "", "Reason"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			c := in(tc.was, "")
			c.Internal.MaintenanceTask = "Everything"
			if err := c.Begin(operation(tc.kind, "op")); err != nil {
				t.Fatal(err)
			}
			c.End(tc.end, "Reason", noon.Add(time.Hour))

			if got := c.Properties.ProvisioningState; got != tc.wantState {
				t.Errorf("state: got %q, want %q", got, tc.wantState)
			}
			if got := c.Internal.FailedProvisioningState; got != tc.wantFailed {
				t.Errorf("failed while: got %q, want %q", got, tc.wantFailed)
			}
			if got := c.Internal.LastAdminUpdateError; got != tc.wantAdmin {
				t.Errorf("maintenance error: got %q, want %q", got, tc.wantAdmin)
			}
			if done := c.Internal.MaintenanceTask == ""; done != (tc.kind == model.AdminUpdate) {
				t.Errorf("maintenance task: got %q", c.Internal.MaintenanceTask)
			}
			if c.Internal.Operation != nil {
				t.Errorf("operation: got %+v, want none", c.Internal.Operation)
			}
			last := c.Internal.Transitions[len(c.Internal.Transitions)-1]
			if last.OperationID != "op" || last.Reason != "Reason" || last.To != tc.wantState || !last.At.Equal(noon.Add(time.Hour)) {
				t.Errorf("transition: got %+v", last)
			}
		})
	}
}

func TestEndWithoutAnOperationStillEnds(t *testing.T) {
	c := in(model.Updating, "")
	c.Internal.Operation = nil
	c.End(model.Succeeded, "", noon)
	if got := c.Properties.ProvisioningState; got != model.Succeeded {
		t.Errorf("got %q, want Succeeded", got)
	}
}

func TestTheHistoryOfStatesIsBounded(t *testing.T) {
	c := in("", "")
	for range 30 {
		if err := c.Begin(operation(model.Update, "op")); err != nil {
			t.Fatal(err)
		}
		c.End(model.Succeeded, "", noon)
	}
	if got := len(c.Internal.Transitions); got != 20 {
		t.Errorf("got %d transitions, want the last 20", got)
	}
	if got := c.Internal.Revision; got != 60 {
		t.Errorf("revision: got %d, want 60: each move counts", got)
	}
}

// Any order of begins and ends keeps state and operation in step, and the
// history free of gaps.
func TestStateAndOperationNeverDisagree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ends := []model.ProvisioningState{model.Succeeded, model.Failed, model.Canceled}
	for range 200 {
		c := in("", "")
		for range 40 {
			if r.IntN(2) == 0 {
				_ = c.Begin(operation(allKinds[r.IntN(len(allKinds))], "op"))
			} else if c.Internal.Operation != nil {
				c.End(ends[r.IntN(len(ends))], "Reason", noon)
			}
			state := c.Properties.ProvisioningState
			if state.Terminal() != (c.Internal.Operation == nil) {
				t.Fatalf("state %q with operation %+v", state, c.Internal.Operation)
			}
			if op := c.Internal.Operation; op != nil && op.Kind.Underway() != state {
				t.Fatalf("state %q while a %s runs", state, op.Kind)
			}
			for i := 1; i < len(c.Internal.Transitions); i++ {
				if before, now := c.Internal.Transitions[i-1], c.Internal.Transitions[i]; before.To != now.From {
					t.Fatalf("a gap in the history: %q, then from %q", before.To, now.From)
				}
			}
		}
	}
}

func TestARenewedKubeconfigLeavesWhatIsToldOfMaintenance(t *testing.T) {
	for _, state := range []model.MaintenanceState{"", model.MaintenancePending, model.CustomerActionNeeded} {
		c := in(model.Succeeded, "")
		c.Internal.MaintenanceTask, c.Internal.MaintenanceState, c.Internal.LastAdminUpdateError = model.KubeconfigRenewal, state, "StepTimedOut"
		if err := c.Begin(operation(model.AdminUpdate, "op")); err != nil {
			t.Fatal(err)
		}
		c.End(model.Succeeded, "", noon)
		if got := c.Internal; got.MaintenanceState != state || got.LastAdminUpdateError != "StepTimedOut" || got.MaintenanceTask != "" {
			t.Errorf("after %q: state %q, error %q, task %q", state, got.MaintenanceState, got.LastAdminUpdateError, got.MaintenanceTask)
		}
	}
}

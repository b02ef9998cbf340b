package admin

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// AdminExplainCluster explains what a cluster does or waits for.
func (a *API) AdminExplainCluster(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	doc, err := a.view(c)
	if err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, explain(doc))
}

func explain(doc *store.ClusterDocument) api.Explanation {
	cl := &doc.Cluster
	e := api.Explanation{
		ResourceID:              cl.ID,
		ProvisioningState:       api.ProvisioningState(cl.Properties.ProvisioningState),
		FailedProvisioningState: present(api.ProvisioningState(cl.Internal.FailedProvisioningState)),
		LastAdminUpdateError:    present(cl.Internal.LastAdminUpdateError),
		Operation:               runningOperation(cl.Internal.Operation),
		Retries:                 int32(doc.Lost),
		Transitions:             transitions(cl.Internal.Transitions),
	}
	if doc.Owner != "" && doc.Due != nil {
		e.Lease = &api.Lease{Owner: doc.Owner, ExpiresAt: doc.WrittenAt.Add(time.Duration(*doc.Due * float64(time.Second)))}
	}
	explainFailure(&e, &cl.Internal)
	op := cl.Internal.Operation
	if op == nil {
		return e
	}
	e.Steps = present(int32(op.Steps))
	finished := make([]api.StepState, len(op.Finished))
	for i := range op.Finished {
		finished[i] = stepState(&op.Finished[i])
	}
	e.FinishedSteps = &finished
	if op.Current != nil {
		step := stepState(op.Current)
		e.CurrentStep, e.WaitingFor, e.NextAttempt = &step, step.WaitingFor, step.NextAttempt
	}
	return e
}

// explainFailure shows how the last operation failed, if it did.
func explainFailure(e *api.Explanation, in *model.Internal) {
	if f := in.LastFailure; f != nil {
		e.LastFailure = &api.Failure{
			OperationID: f.OperationID, Step: present(f.Step), At: f.At,
			Code: f.Error.Code, Message: f.Error.Message, Target: present(f.Error.Target),
		}
	}
	if in.Diagnostics != nil {
		findings := make([]api.Finding, len(in.Diagnostics.Findings))
		for i, f := range in.Diagnostics.Findings {
			findings[i] = api.Finding{Name: f.Name, Text: f.Text}
		}
		e.Findings = &findings
	}
}

func stepState(s *model.Step) api.StepState {
	return api.StepState{
		Name: s.Name, StartedAt: s.StartedAt, EndedAt: present(s.EndedAt), Attempts: present(int32(s.Attempts)),
		WaitingFor: present(s.WaitingFor), LastError: present(s.LastError), NextAttempt: present(s.NextAttempt),
	}
}

func transitions(moves []model.Transition) []api.Transition {
	list := make([]api.Transition, len(moves))
	for i, m := range moves {
		list[i] = api.Transition{
			At: m.At, From: present(api.ProvisioningState(m.From)), To: api.ProvisioningState(m.To),
			OperationID: present(m.OperationID), Reason: present(m.Reason),
		}
	}
	return list
}

package faults_test

import (
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/aro-rp/aro/backend/cluster"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/faults"
)

var update = flag.Bool("update", false, "write docs/faults.md")

const document = "../../docs/faults.md"

func TestTheDocumentIsTheTable(t *testing.T) {
	want := faults.Table()
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/faults.md is not what the table says: run go test ./test/faults -update")
	}
}

// steps are the names of the steps by operation.
func steps() map[string][]string {
	names := map[string][]string{}
	operations := map[model.OperationKind]string{model.Create: "create", model.Update: "update", model.AdminUpdate: "adminUpdate", model.Delete: "delete"}
	for kind, plan := range cluster.Plans(cluster.Dependencies{Env: &environment.Environment{}}) {
		for _, step := range plan {
			names[operations[kind]] = append(names[operations[kind]], step.Name)
		}
	}
	return names
}

func TestEveryStepHasAFaultOrAReason(t *testing.T) {
	type place struct{ plan, step string }
	faulty, exempt, plans := map[place]bool{}, map[place]bool{}, steps()
	for _, f := range faults.All() {
		faulty[place{f.Plan, f.Step}] = true
	}
	for _, r := range faults.Exempt() {
		exempt[place{r.Plan, r.Step}] = true
	}
	for _, plan := range []string{"create", "update", "delete"} {
		for _, step := range plans[plan] {
			here := place{plan, step}
			if faulty[here] == exempt[here] {
				t.Errorf("%s, %s: it has a fault: %v, and a reason to have none: %v", plan, step, faulty[here], exempt[here])
			}
			delete(faulty, here)
			delete(exempt, here)
		}
	}
	for unknown := range faulty {
		t.Errorf("there is a fault for the step %v, which no plan has", unknown)
	}
	for unknown := range exempt {
		t.Errorf("there is a reason for the step %v, which no plan has", unknown)
	}
}

func TestMaintenanceHasTheStepsOfOtherPlans(t *testing.T) {
	plans := steps()
	others := slices.Concat(plans["create"], plans["update"], faults.Maintenance())
	for _, step := range plans["adminUpdate"] {
		if !slices.Contains(others, step) {
			t.Errorf("%q is a step of maintenance only: let it fail, or say why it need not", step)
		}
	}
}

func TestErrorsAreSpecific(t *testing.T) {
	all, specific := faults.All(), 0
	for _, f := range all {
		if f.IsSpecific() {
			specific++
		}
	}
	if len(all) < 60 || specific*100 < 95*len(all) {
		t.Errorf("%d of %d faults are told specifically, want 95 %%", specific, len(all))
	}
}

package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// vague are codes that do not say what to do.
var vague = []string{"InternalServerError", "ClusterCreationFailed", "OperationFailed", ""}

// IsSpecific reports whether an error says what is wrong.
func (f Fault) IsSpecific() bool { return !slices.Contains(vague, f.Code) }

const heading = `<!-- Written from test/faults. Do not edit: run go test ./test/faults -update. -->
# Failure reference

Each row is a fault that a test injects into a step of an operation on the local Azure, and the resulting error. Clients, the
admin API and the log show the same code, message and target. There are %d faults; %d of them result in
a specific code. The target is the member of the cluster that must change. It is empty if none must change: then the message names the
resource or the part of the cluster, and the admin API shows the step. When the fault is removed, a delete succeeds.

Run: ` + "`cd local && go test ./systemtest/proof -run EveryFault -long -timeout 60m`" + `. It fails when an error is another one than here, and
` + "`go test ./test/faults`" + ` when a step of a plan is neither in the table nor below it. The plan of maintenance has no rows: most of
its steps are those of create and update, and no fault is injected into the others yet. Without ` + "`-long`" + `, as in ` + "`make test`" + `, a fault for which
machines have to boot or a control plane has to stop is injected into one step of each operation.

` + "`-run UnknownCodes`" + ` answers the calls of these rows, where nothing has to boot before, with 400, 403 and 409 and a code that no service
has ever used. The calls are retried for six minutes at most, and then the error has that code, in all of them.

`

const passing = `
## Faults that pass

Azure accepts the resource, which then fails for a reason that does not last. The running operation shows the code (` + "`stepError`" + `). The
resource is deployed again, machines are created again, and the create succeeds. Run: ` + "`go test ./systemtest/proof -run FailsInPassing`" + `.

| Operation | Step | Fault | Azure's code |
|---|---|---|---|
`

// Table is docs/faults.md.
func Table() string {
	all := All()
	specific := 0
	for _, f := range all {
		if f.IsSpecific() {
			specific++
		}
	}
	sorted(all, func(f Fault) (string, string) { return f.Plan, f.Step })
	var b strings.Builder
	fmt.Fprintf(&b, heading, len(all), specific)
	b.WriteString("| Operation | Step | Fault | Code | Target |\n|---|---|---|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` | %s |\n", f.Plan, f.Step, f.What, f.Code, f.Target)
	}
	b.WriteString(passing)
	for _, p := range Passes() {
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", create, p.Step, p.What, p.Code)
	}
	b.WriteString("\n## Steps without a fault\n\n| Operation | Step | Why |\n|---|---|---|\n")
	exempt := Exempt()
	sorted(exempt, func(r Reason) (string, string) { return r.Plan, r.Step })
	for _, r := range exempt {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Plan, r.Step, r.Why)
	}
	return b.String()
}

// sorted sorts rows by operation, as clusters live, and step.
func sorted[T any](rows []T, key func(T) (plan, step string)) {
	plans := []string{create, update, remove}
	slices.SortStableFunc(rows, func(a, b T) int {
		planA, stepA := key(a)
		planB, stepB := key(b)
		return cmp.Or(cmp.Compare(slices.Index(plans, planA), slices.Index(plans, planB)), cmp.Compare(stepA, stepB))
	})
}

package cluster

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/model"
)

// ledgerFile has every name that a step ever had: a line for each, of the kind of
// operation, the name, and the function that does it. A name that no plan has any more
// stays, as "gone": operations that are under way may have it in their record.
const ledgerFile = "testdata/steps.tsv"

// entry is what a name in plans of one kind means.
type entry struct {
	function string
	gone     bool
}

// named is a name in plans of one kind of operation. That of names from before plans
// were kept apart by kinds is "any".
type named struct{ kind, name string }

func readLedger(t *testing.T) map[named]entry {
	t.Helper()
	text, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	ledger := map[named]entry{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) < 3 || len(fields) > 4 {
			t.Fatalf("%s: %q is not a kind, a name, a function, and perhaps gone", ledgerFile, line)
		}
		at := named{fields[0], fields[1]}
		if _, twice := ledger[at]; twice {
			t.Errorf("%s: %s %q stands there twice", ledgerFile, at.kind, at.name)
		}
		ledger[at] = entry{function: fields[2], gone: len(fields) == 4 && fields[3] == "gone"}
	}
	return ledger
}

// faultsOfNames compares plans with the ledger.
func faultsOfNames(ledger map[named]entry, plans map[string][]Step) (faults []string) {
	used := map[named]bool{}
	for kind, steps := range plans {
		for _, step := range steps {
			at, function := named{kind, step.Name}, nameOf(step.Do)
			known, ok := ledger[at]
			before, old := ledger[named{"any", step.Name}]
			used[at] = true
			switch {
			case old && before.function != function:
				faults = append(faults, fmt.Sprintf("%s: the name %q was %s's: choose another for %s", kind, step.Name, before.function, function))
			case !ok:
				faults = append(faults, fmt.Sprintf("%s: %q is new: add it to %s with %s", kind, step.Name, ledgerFile, function))
			case known.function != function:
				faults = append(faults, fmt.Sprintf("%s: the name %q is %s's: choose another for %s; if the function was only renamed, rename it in %s",
					kind, step.Name, known.function, function, ledgerFile))
			case known.gone:
				faults = append(faults, fmt.Sprintf("%s: the name %q was gone: if the step means what it meant, say so in %s", kind, step.Name, ledgerFile))
			}
		}
	}
	for at, known := range ledger {
		if !used[at] && !known.gone {
			faults = append(faults, fmt.Sprintf("%s: no step has the name %q any more: mark it as gone in %s", at.kind, at.name, ledgerFile))
		}
	}
	slices.Sort(faults)
	return faults
}

// nameOf is the name of a function or method, without its package and receiver.
func nameOf(do func(context.Context, *Work) error) string {
	name := strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(do).Pointer()).Name(), "-fm")
	return name[strings.LastIndexByte(name, '.')+1:]
}

func TestNoNameOfAStepEverMeansSomethingElse(t *testing.T) {
	s := newSteps(Dependencies{})
	for _, fault := range faultsOfNames(readLedger(t), map[string][]Step{
		string(model.Create): s.create(), string(model.Update): s.update(), string(model.AdminUpdate): s.adminUpdate(), string(model.Delete): s.remove(),
	}) {
		t.Error(fault)
	}
}

func makesIt(context.Context, *Work) error { return nil }

func TestTheLedgerOfNames(t *testing.T) {
	step := []Step{{Name: "make it", Do: makesIt}}
	tests := map[string]struct {
		why    string
		ledger map[named]entry
		steps  []Step
		says   string // empty for nothing
	}{
		"as it was":         {why: "nothing changed", steps: step, ledger: map[named]entry{{"Create", "make it"}: {function: "makesIt"}}},
		"new":               {why: "it has to be written down", steps: step, says: "is new"},
		"another meaning":   {why: "a worker of the release before would take it for done", steps: step, ledger: map[named]entry{{"Create", "make it"}: {function: "breaksIt"}}, says: "choose another"},
		"of old":            {why: "the name was used before there was a ledger", steps: step, ledger: map[named]entry{{"any", "make it"}: {function: "breaksIt", gone: true}}, says: "choose another"},
		"back":              {why: "its meaning has to be checked", steps: step, ledger: map[named]entry{{"Create", "make it"}: {function: "makesIt", gone: true}}, says: "was gone"},
		"removed":           {why: "the name stays taken", ledger: map[named]entry{{"Create", "make it"}: {function: "makesIt"}}, says: "mark it as gone"},
		"removed and noted": {why: "nothing is wrong", ledger: map[named]entry{{"Create", "make it"}: {function: "makesIt", gone: true}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			faults := strings.Join(faultsOfNames(test.ledger, map[string][]Step{"Create": test.steps}), "\n")
			if (faults == "") != (test.says == "") || !strings.Contains(faults, test.says) {
				t.Errorf("%s: got %q, want %q", test.why, faults, test.says)
			}
		})
	}
}

package conformance

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/aro-rp/aro/test/harness"
)

// What can come of a check.
const (
	passes        = "passes"
	fails         = "FAILS"
	notApplicable = "does not apply"
	notRun        = "not run"
)

// check is one line of the contract. A check without run does not apply, for the
// reason in why; otherwise why may limit what is proved.
type check struct {
	id, title string
	run       func(*T)
	why       string
}

// result is what came of a check.
type result struct {
	check
	mu      sync.Mutex
	first   string
	skipped string
	outcome string
}

func (r *result) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == "" {
		r.first = strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	}
}

// TestConformance runs every check that applies and reports on all of them.
func TestConformance(t *testing.T) {
	k := newKit(t)
	setUp := &T{T: t, kit: k, result: &result{}}
	for subscription, tenant := range map[string]string{k.subscription: tenant, k.other: otherTenant} {
		if _, ours := k.own.Load(subscription); !ours {
			continue // whose registration the kit must not change
		}
		reply := setUp.register(subscription, tenant, "Registered")
		if reply.Status != 200 && reply.Status != 201 {
			t.Fatalf("register a subscription: %s", reply)
		}
	}
	if k.process == nil {
		k.terminal = terminal(t)
		t.Cleanup(func() { k.sweep(t) })
		setUp.explore()
	}
	setUp.setTrap()
	var results []*result
	active, observing := allChecks()
	t.Run("checks", func(t *testing.T) {
		for _, c := range active {
			results = append(results, k.run(t, c, true))
		}
	})
	t.Run("observations", func(t *testing.T) {
		for _, c := range observing {
			results = append(results, k.run(t, c, false))
		}
	})
	if k.common != nil {
		k.discard(k.common)
	}
	k.report(t, results)
}

// allChecks are the chapters of the contract; the observations look back at what
// came of all the others.
func allChecks() (active, observing []check) {
	return slices.Concat(requestChecks(), addressChecks(), putChecks(), patchChecks(), listChecks(), deleteChecks(),
		asyncChecks(), providerChecks(), dataChecks(), subscriptionChecks(), templateChecks(), hostileChecks()), observationChecks()
}

// TestThePageListsEveryCheck fails when docs/conformance.md is older than a check.
func TestThePageListsEveryCheck(t *testing.T) {
	page, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	active, observing := allChecks()
	seen := map[string]bool{}
	for _, c := range slices.Concat(active, observing) {
		if seen[c.id] {
			t.Errorf("%s is checked twice", c.id)
		}
		seen[c.id] = true
		if !bytes.Contains(page, []byte("| "+c.id+" | ")) || !bytes.Contains(page, []byte("| "+cell(c.title)+" | ")) {
			t.Errorf("docs/conformance.md lacks %s %q: write it anew", c.id, c.title)
		}
	}
}

func (k *kit) run(t *testing.T, c check, parallel bool) *result {
	r := &result{check: c, outcome: notRun}
	if c.run == nil {
		r.outcome = notApplicable
		return r
	}
	t.Run(c.id, func(t *testing.T) {
		t.Cleanup(func() {
			switch {
			case t.Failed():
				r.outcome = fails
			case t.Skipped() || r.skipped != "":
				r.outcome = notRun
			default:
				r.outcome = passes
			}
			k.say("%3d  %s %s: %s", k.done.Add(1), r.id, r.outcome, r.title)
		})
		if parallel {
			t.Parallel()
		}
		c.run(&T{T: t, kit: k, result: r})
	})
	return r
}

// report prints one line per check id and writes the Markdown if requested.
func (k *kit) report(t *testing.T, results []*result) {
	slices.SortStableFunc(results, func(a, b *result) int { return strings.Compare(order(a.id), order(b.id)) })
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 2, 0, 2, ' ', 0)
	count := map[string]int{}
	for _, r := range results {
		count[r.outcome]++
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.id, r.outcome, r.title, r.remark())
	}
	_ = w.Flush()
	summary := fmt.Sprintf("%d checks pass, %d fail, %d do not apply, %d were not run.", count[passes], count[fails], count[notApplicable], count[notRun])
	fmt.Printf("%s%s\n", table.String(), summary)
	if k.settings.report == "" {
		return
	}
	if err := os.WriteFile(k.settings.report, markdown(results, summary), 0o644); err != nil {
		t.Error(err)
	}
}

func (r *result) remark() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first != "" {
		if len(r.first) > 300 {
			return r.first[:300] + "…"
		}
		return r.first
	}
	if r.skipped != "" {
		return r.skipped
	}
	return r.why
}

// order sorts the chapters as the contract has them.
func order(id string) string {
	return fmt.Sprintf("%02d%s", strings.Index("CUPAGDLOYEBTX", id[:1]), id)
}

func markdown(results []*result, summary string) []byte {
	var b bytes.Buffer
	b.WriteString("# Conformance to the ARM contract\n\n" +
		"<!-- Written by the kit; do not edit. -->\n\n" +
		"The runtime checks of the contract between Azure Resource Manager and a resource provider, with the results of the kit in\n" +
		"`test/conformance`. The letter of a check id is its chapter: C requests, headers and errors; U URLs; P PUT; A PATCH; G GET and\n" +
		"lists; D DELETE; L long-running operations; O other operations; Y system data; E ETags; B subscriptions; T properties and\n" +
		"templates; X hostile requests. Update this page with\n\n" +
		"    go test ./test/conformance -count=1 -report ../../docs/conformance.md\n\n" +
		"and check any provider with `go test ./test/conformance -v -rp URL`, for example the http://127.0.0.1:8080 of `make run`. The kit\n" +
		"then works in subscriptions that it registers itself and removes at the end, or in those that `-subscription` and\n" +
		"`-other-subscription` name. It first says what it will create, and reports the checks that it cannot run because clusters\n" +
		"do not become ready there, or cannot be deleted. Important checks run with all " +
		fmt.Sprint(len(harness.Versions())) + " api-versions.\n\n" + summary + "\n\n" +
		"| Check | Result | What is checked | Remark |\n|---|---|---|---|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.id, r.outcome, cell(r.title), cell(r.remark()))
	}
	return b.Bytes()
}

func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(s)
}

package rules

import (
	"strings"
	"testing"
)

// arrow says what a package of ours may import of ours. A trailing /... means
// the package and everything below it.
type arrow struct {
	from, why string
	to        []string
}

// arrows are matched from the top; the first whose from fits decides.
func arrows() []arrow {
	return []arrow{
		{"arm", "everybody needs it", nil},
		{"shape", "generated validators stand on it", []string{"arm"}},
		{"model", "it must be testable without a network", []string{"arm"}},
		{"generated/...", "generated code is an output: only what it is made of", []string{"arm", "model", "conversion", "shape"}},
		{"conversion", "versions do not know each other, and it knows no version", []string{"arm", "model", "shape"}},
		{"store", "a store has no callers in mind", []string{"arm", "model"}},
		{"store/storetest", "the suite knows the contract, not its keepers", []string{"store", "arm", "model"}},
		{"store/database", "it names every keeper", []string{"store/sqlite", "store/cosmos", "store", "arm", "model"}},
		{"store/...", "keepers do not know each other", []string{"store", "arm", "model"}},
		{"env", "what differs between places is words", nil},
		{"wait", "every caller of Azure or of a cluster uses it", []string{"arm"}},
		{"azure", "it offers Azure's clients; what is done with them is others' business", []string{"wait", "env", "model", "arm"}},
		{"azure/preflight", "asking Azure must not write documents", []string{"azure", "wait", "env", "model", "arm"}},
		{"azure/template", "templates are pure", nil},
		{"openshift", "one cluster's API, no plan", []string{"wait", "arm", "model"}},
		{"backend/install", "the contract with the installer is data", nil},
		{"backend/pipeline", "a step engine knows no plan", []string{"wait", "store", "arm", "model"}},
		{"backend/cluster", "plans know the engine and whom they ask, never HTTP or versions", []string{"backend/pipeline", "backend/install", "azure", "azure/template", "openshift", "wait", "env", "store", "arm", "model"}},
		{"backend", "the plans are given to the worker", []string{"backend/pipeline", "store", "arm", "model"}},
		{"seed", "the first contents of an empty store", []string{"store", "arm", "model"}},
		{"server/...", "the server never touches a cluster", []string{"server/...", "generated/...", "conversion", "shape", "store", "arm", "model"}},
		{"cmd/...", "the only place that wires; never local nor tests", []string{"arm", "shape", "model", "generated/...", "conversion", "seed", "env", "store/...", "wait", "azure/...", "openshift", "backend/...", "server/..."}},
		{"hack/...", "nothing imports it; it may read everything but tests", []string{"arm", "shape", "model", "generated/...", "conversion", "env", "store/...", "wait", "azure/...", "openshift", "backend/...", "server/...", "hack/..."}},
		{"test/...", "proofs may look at everything except commands", []string{"openapi", "arm", "shape", "model", "generated/...", "conversion", "seed", "env", "store/...", "wait", "azure/...", "openshift", "backend/...", "server/...", "test/..."}},
		{"openapi/...", "descriptions are data", nil},
		{"docs/...", "documents are data", nil},
	}
}

func TestImportsFollowTheArrows(t *testing.T) {
	for _, p := range packages(t) {
		a, ok := arrowOf(p.name)
		if !ok {
			t.Errorf("%s has no arrow: draw one in arrows, with its reason", p.name)
			continue
		}
		for _, imported := range p.imports {
			if !allowed(a.to, imported) {
				t.Errorf("%s imports %s: %s", p.name, imported, a.why)
			}
		}
	}
}

func TestNoProductCodeImportsTestsOrLocal(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.imports {
			if strings.HasPrefix(imported, "local") || strings.HasPrefix(imported, "installer") || strings.HasPrefix(imported, "cmd/") ||
				strings.HasPrefix(imported, "hack/") && !strings.HasPrefix(p.name, "hack/") ||
				strings.HasPrefix(imported, "test/") && !strings.HasPrefix(p.name, "test/") {
				t.Errorf("%s imports %s, which nothing may", p.name, imported)
			}
		}
	}
}

func TestArrowsHaveNoCycleBetweenServerAndBackend(t *testing.T) {
	for _, pair := range [][2]string{{"server", "backend"}, {"backend", "server"}} {
		a, _ := arrowOf(pair[0])
		if allowed(a.to, pair[1]) {
			t.Errorf("%s may import %s", pair[0], pair[1])
		}
	}
}

func arrowOf(name string) (arrow, bool) {
	for _, a := range arrows() {
		if allowed([]string{a.from}, name) {
			return a, true
		}
	}
	return arrow{}, false
}

func allowed(to []string, name string) bool {
	for _, pattern := range to {
		if base, below := strings.CutSuffix(pattern, "/..."); name == base || below && strings.HasPrefix(name, base+"/") {
			return true
		}
	}
	return false
}

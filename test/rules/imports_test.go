package rules

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrow is what a package may import of this project. A trailing /... means the
// package and everything below it.
type arrow struct {
	from, why string
	to        []string
}

// arrows are matched from the top; the first whose from matches applies.
func arrows() []arrow {
	return []arrow{
		{"arm", "every package needs it", nil},
		{"validation", "generated validators stand on it", []string{"arm"}},
		{"model", "it must be testable without a network", []string{"arm"}},
		{"generated/registry", "it lists the versions", []string{"generated/...", "arm", "model", "validation"}},
		{"generated/...", "generated code is an output: only what it is made of", []string{"arm", "model", "conversion", "validation"}},
		{"conversion", "versions do not know each other, and it knows no version", []string{"arm", "model", "validation"}},
		{"store", "a store has no callers in mind", []string{"arm", "model"}},
		{"store/storetest", "the suite knows the contract, not its drivers", []string{"store", "arm", "model"}},
		{"store/database", "it names every driver", []string{"store/sqlite", "store/cosmos", "store", "arm", "model"}},
		{"store/cosmos/cosmostest", "tests get the emulator", []string{"store/cosmos/emulator"}},
		{"store/...", "drivers do not know each other", []string{"store", "arm", "model"}},
		{"environment", "what differs between places is words", nil},
		{"flags", "it knows no program", nil},
		{"wait", "every caller of Azure or of a cluster uses it", []string{"arm"}},
		{"azure", "it offers Azure's clients; what is done with them is others' business", []string{"azure/clouds", "tracing", "metrics", "wait", "environment", "model", "arm"}},
		{"azure/clouds", "where an Azure answers", nil},
		{"azure/preflight", "asking Azure must not write documents", []string{"azure", "azure/template", "wait", "environment", "model", "arm"}},
		{"azure/template", "templates are pure", nil},
		{"openshift", "one cluster's API, no plan", []string{"wait", "arm", "model"}},
		{"backend/install", "the contract with the installer is data", nil},
		{"backend/pipeline", "a step engine knows no plan", []string{"tracing", "wait", "store", "arm", "model"}},
		{"backend/cluster", "plans know the engine, Azure and clusters, never HTTP or versions", []string{"backend/pipeline", "backend/install", "azure", "azure/template", "openshift", "operator/deploy", "wait", "environment", "store", "arm", "model"}},
		{"backend/worker", "it runs plans on documents of any kind", []string{"tracing", "backend/pipeline", "store", "arm", "model"}},
		{"backend", "the plans of clusters are given to the worker", []string{"metrics", "backend/worker", "backend/pipeline", "wait", "store", "arm", "model"}},
		{"catalogue", "the authority on versions and role sets needs only the store", []string{"store", "arm", "model"}},
		{"initialdata", "the first contents of an empty store", []string{"catalogue", "store", "arm", "model"}},
		{"httpserver", "every server stands on it, whatever it serves", []string{"tracing", "arm"}},
		{"armhttp", "ARM's contract is the same for every API that keeps to it", []string{"tracing", "httpserver", "validation", "store", "arm", "model"}},
		{"server", "what ARM calls never touches a cluster", []string{"armhttp", "httpserver", "catalogue", "generated/registry", "conversion", "validation", "store", "arm", "model"}},
		{"admin", "what engineers call may ask Azure and clusters, but knows no api-version", []string{"access", "armhttp", "httpserver", "catalogue", "generated/admin", "conversion", "azure", "azure/preflight", "openshift", "wait", "store", "arm", "model"}},
		{"audit", "it reads what is logged, and knows no API", []string{"store", "model", "arm"}},
		{"access", "what is given out is documents", []string{"store", "arm", "model"}},
		{"portal/sshproxy", "it connects people with machines, and reads where these are", []string{"access", "httpserver", "store", "arm", "model"}},
		{"portal", "what engineers look at reads documents and asks clusters; it knows no api-version", []string{"portal/actions", "portal/audits", "portal/console", "audit", "access", "armhttp", "httpserver", "generated/portal", "openshift", "store", "arm", "model"}},
		{"portal/audits", "a form and a table; what matches is the search's", []string{"audit", "model", "arm"}},
		{"portal/console", "a query and its answer; it knows no cluster", []string{"arm"}},
		{"portal/actions", "forms are made of a specification; what they ask for is the admin API's", []string{"openapi", "httpserver", "arm"}},
		{"operator/flags", "names and values", []string{"arm"}},
		{"operator/release", "it reads one object", nil},
		{"operator/apis/...", "types that others write, too", nil},
		{"operator/controller", "what all controllers have in common knows none of them", []string{"operator/apis/...", "operator/flags", "operator/release"}},
		{"operator/controllers/...", "controllers do not know each other, nor the service", []string{"operator/controller", "operator/apis/...", "operator/flags", "operator/release", "operator/azureclient", "operator/nodefiles", "arm"}},
		{"operator/azureclient", "Azure as the cluster's own identity sees it", []string{"azure/clouds"}},
		{"operator/nodefiles", "files of machines", nil},
		{"operator/deploy", "what the service puts into a cluster", []string{"openshift", "operator/apis/...", "operator/flags"}},
		{"operator", "the list of controllers", []string{"operator/controllers/...", "operator/controller", "operator/apis/...", "operator/flags", "operator/azureclient"}},
		{"service", "start-up knows no service", []string{"access", "tracing", "metrics", "azure", "backend/install", "environment", "store/database", "store", "audit", "arm", "model"}},
		{"service/rp", "one process of several services; what is done to clusters comes in", []string{"metrics", "service", "server", "admin", "armhttp", "httpserver", "catalogue", "backend", "initialdata", "service/peers", "store", "arm", "model"}},
		{"service/peers", "a notice says nothing about the work", nil},
		{"service/monitoring", "one process of one service", []string{"service", "monitor", "monitor/collectors", "monitor/nsg", "httpserver"}},
		{"monitor/collectors", "one cluster, for any caller", []string{"metrics", "openshift", "operator/flags", "model", "arm"}},
		{"monitor/nsg", "it asks Azure about one cluster", []string{"monitor/collectors", "metrics", "azure", "arm"}},
		{"monitor", "which clusters are looked at when", []string{"monitor/collectors", "monitor/nsg", "metrics", "openshift", "environment", "store", "model", "arm"}},
		{"tracing", "what is traced is not its business", nil},
		{"metrics", "what is measured is not its business", nil},
		{"metrics/sink", "it shows whatever comes", []string{"metrics"}},
		{"service/portal", "one process of several services", []string{"service", "metrics", "portal", "portal/actions", "portal/sshproxy", "admin", "catalogue", "armhttp", "httpserver"}},
		{"proxy", "it knows addresses and one certificate", nil},
		{"mirror", "it copies images, and knows no document of the service", nil},
		{"deploy/armtemplates", "templates are pure; the database's containers have one source", []string{"deploy/machine", "store/cosmos", "store"}},
		{"deploy/machine", "what a machine starts with is text", nil},
		{"deploy", "it deploys the service, and is no part of it", []string{"azure", "deploy/machine", "arm"}},
		{"azure/login/...", "people reach Azure by it", []string{"azure", "azure/login", "environment"}},
		{"cmd/...", "the only place that wires; never local or tests", []string{"flags", "arm", "validation", "model", "generated/...", "conversion", "initialdata", "environment", "store/...", "wait", "azure/...", "openshift", "backend/...", "catalogue", "httpserver", "armhttp", "server", "admin", "operator/...", "service/...", "monitor/...", "metrics/...", "mirror", "proxy", "deploy"}},
		{"hack/...", "nothing imports it; it may read everything but tests", []string{"arm", "validation", "model", "generated/...", "conversion", "environment", "store/...", "wait", "azure/...", "openshift", "backend/...", "catalogue", "httpserver", "armhttp", "server", "admin", "operator/...", "metrics/...", "deploy/...", "hack/..."}},

		{"test/...", "proofs may look at everything except commands", []string{"access", "openapi", "arm", "validation", "model", "generated/...", "conversion", "initialdata", "environment", "store/...", "wait", "azure/...", "openshift", "backend/...", "catalogue", "httpserver", "armhttp", "server", "admin", "operator/...", "service/...", "monitor/...", "metrics/...", "tracing", "test/..."}},
		{"openapi/...", "descriptions are data", nil},
		{"docs/...", "documents are data", nil},

		{"installer/document", "the contract in JSON", nil},
		{"installer/graph", "one file of the installer's assets", nil},
		{"installer/payload", "files of the OpenShift installer", nil},
		{"installer/custom", "what the service adds to the installer's assets", []string{"installer/document"}},
		{"installer/...", "it knows the OpenShift installer and nothing of the service", []string{"installer/..."}},

		{"alerts", "rules are data", nil},

		{"collector", "a collector of logs knows nothing of the service", nil},

		{"prometheus", "it scrapes whatever its configuration names", nil},
		{"registry", "a registry knows nothing of the service", nil},

		{"local/cmd/...", "the only place of the local module that wires", []string{"local/...", "azure/login", "metrics/sink", "store/cosmos/emulator"}},
		{"local/systemtest/...", "black-box tests", []string{"local/systemtest/..."}},
		{"local/customer", "it knows public APIs only, and how ids compare", []string{"azure/login", "clients/go/...", "arm"}},
		{"local/apipage", "it shows the specs, and asks for the version of new clusters", []string{"openapi", "initialdata"}},
		{"local/rp", "it speaks HTTP to the service", nil},
		{"local/instance", "machines of scale sets know no cloud", []string{"local/supervisor"}},
		{"local/region", "what an Azure needs for the production deployment of the service", []string{"local/cloud/...", "local/instance", "store/cosmos/emulator", "initialdata", "metrics/sink"}},
		{"local/supervisor", "it keeps any program running", nil},
		{"local/generated/...", "generated code is an output", nil},
		{"local/hack/...", "nothing imports it", nil},
		{"local/release", "it knows versions by themselves", nil},
		{"local/platform", "the workloads of OpenShift are a table", nil},
		{"local/hypervisor/container", "a container knows no pods", nil},
		{"local/hypervisor/pods", "a node's pods know nothing but their API server", []string{"local/hypervisor/container"}},
		{"local/hypervisor/sshd", "a shell shows what it is given", nil},
		{"local/hypervisor", "machines know no cloud", []string{"local/hypervisor/sshd", "local/hypervisor/container", "local/supervisor", "local/release", "local/platform", "local/hypervisor/pods"}},
		{"local/controlplane/...", "a control plane knows what its ignition says", []string{"local/controlplane/...", "local/generated/...", "local/platform", "local/release"}},
		{"local/cloud/state", "everything of the cloud is kept by it", nil},
		{"local/cloud/armtemplate/...", "the template language knows no resource, only how ids compare", []string{"local/cloud/armtemplate/...", "arm"}},
		{"local/cloud/resources", "resources of every type, whose ids compare as they do to the service", []string{"local/cloud/state", "arm"}},
		{"local/cloud/compute", "machines of the cloud run on the host", []string{"local/cloud/resources", "local/hypervisor", "arm", "model"}},
		{"local/cloud/network", "the cloud's wires lead to machines", []string{"local/cloud/resources", "local/hypervisor", "arm"}},
		{"local/cloud/...", "the cloud does not know what runs on it", []string{"local/cloud/...", "arm", "model", "openapi"}},
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
	for _, p := range rootPackages(t) {
		for _, imported := range p.imports {
			if strings.HasPrefix(imported, "local") || strings.HasPrefix(imported, "installer") || strings.HasPrefix(imported, "cmd/") ||
				strings.HasPrefix(imported, "hack/") && !strings.HasPrefix(p.name, "hack/") ||
				strings.HasPrefix(imported, "test/") && !strings.HasPrefix(p.name, "test/") {
				t.Errorf("%s imports %s, which nothing may", p.name, imported)
			}
		}
	}
}

// Bounds of the import graph.
const (
	maxFanOut = 12 // packages of ours that one imports; all versions count as one, all controllers, and all processes of the service
	maxDepth  = 8  // packages on the longest way down
)

func TestPackagesImportFew(t *testing.T) {
	for _, p := range packages(t) {
		counted := map[string]bool{}
		for _, imported := range p.imports {
			if strings.HasPrefix(imported, "generated/v") {
				imported = "generated/v…"
			}
			if strings.HasPrefix(imported, "operator/controllers/") {
				imported = "operator/controllers/…"
			}
			if strings.HasPrefix(imported, "service/") {
				imported = "service/…"
			}
			counted[imported] = true
		}
		if len(counted) > maxFanOut {
			t.Errorf("%s imports %d packages of ours, at most %d: %s", p.name, len(counted), maxFanOut, strings.Join(slices.Sorted(maps.Keys(counted)), " "))
		}
	}
}

func TestWaysDownAreShort(t *testing.T) {
	imports := map[string][]string{}
	for _, p := range packages(t) {
		imports[p.name] = p.imports
	}
	longest := map[string][]string{}
	var way func(name string) []string
	way = func(name string) []string {
		if known, ok := longest[name]; ok {
			return known
		}
		var below []string
		for _, imported := range imports[name] {
			if w := way(imported); len(w) > len(below) {
				below = w
			}
		}
		longest[name] = append([]string{name}, below...)
		return longest[name]
	}
	for name := range imports {
		if w := way(name); len(w) > maxDepth {
			t.Errorf("%d packages deep, at most %d: %s", len(w), maxDepth, strings.Join(w, " > "))
		}
	}
}

func TestServicesDoNotKnowEachOther(t *testing.T) {
	services := []string{"server", "admin", "backend", "monitor"}
	for _, from := range services {
		for _, to := range services {
			if a, _ := arrowOf(from); from != to && allowed(a.to, to) {
				t.Errorf("%s may import %s", from, to)
			}
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

// TestContributingNamesEveryFolder holds the table of CONTRIBUTING.md to the tree.
func TestContributingNamesEveryFolder(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for _, folder := range strings.Split(cells[1], "`") {
				top, _, _ := strings.Cut(folder, "/")
				named[strings.TrimSpace(top)] = true
			}
		}
	}
	for _, p := range packages(t) {
		if top, _, _ := strings.Cut(p.name, "/"); !named[top] {
			t.Errorf("CONTRIBUTING.md does not say what lives in %s/", top)
		}
	}
}

// TestContributingDrawsTheArrows holds the picture of CONTRIBUTING.md to arrows:
// each arrow that it draws must be allowed, and its reverse must not.
func TestContributingDrawsTheArrows(t *testing.T) {
	for _, drawn := range [][2]string{
		{"cmd/aro", "service/rp"}, {"service/rp", "service"}, {"service/rp", "server"}, {"service/rp", "admin"}, {"service/rp", "backend"}, {"service", "azure"}, {"service", "store"}, {"cmd/aro", "backend/cluster"}, {"server", "generated/registry"}, {"generated/registry", "generated/v20250725"}, {"generated/v20250725", "conversion"},
		{"server", "armhttp"}, {"admin", "armhttp"}, {"armhttp", "httpserver"}, {"httpserver", "arm"}, {"server", "catalogue"}, {"admin", "catalogue"}, {"catalogue", "store"}, {"conversion", "validation"},
		{"validation", "arm"}, {"server", "store"}, {"store", "model"}, {"model", "arm"}, {"backend/cluster", "azure"}, {"backend/cluster", "openshift"},
		{"azure", "wait"}, {"azure", "environment"}, {"azure", "model"}, {"openshift", "wait"}, {"openshift", "model"}, {"backend", "store"},
	} {
		if a, ok := arrowOf(drawn[0]); !ok || !allowed(a.to, drawn[1]) {
			t.Errorf("%s may not import %s, but CONTRIBUTING.md draws it", drawn[0], drawn[1])
		}
		if a, _ := arrowOf(drawn[1]); allowed(a.to, drawn[0]) {
			t.Errorf("%s may import %s, against the picture in CONTRIBUTING.md", drawn[1], drawn[0])
		}
	}
}

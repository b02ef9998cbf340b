package collectors

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/openshift"
)

// now is when the tests look.
var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// recorder keeps what is emitted, as text.
type recorder struct {
	mu  sync.Mutex
	all []string
}

func (r *recorder) EmitGauge(name string, value int64, dims map[string]string) {
	r.note(name, strconv.FormatInt(value, 10), dims)
}

func (r *recorder) EmitFloat(name string, value float64, dims map[string]string) {
	r.note(name, "float", dims)
	_ = value
}

func (r *recorder) note(name, value string, dims map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := metrics.Undeclared(name, dims); err != nil {
		panic(err) // which fails the collector's test with its stack
	}
	var parts []string
	for _, d := range slices.Sorted(maps.Keys(dims)) {
		if !strings.HasPrefix(d, "resource") || strings.HasPrefix(d, "resourceProvider") {
			if d != "subscriptionId" {
				parts = append(parts, d+"="+dims[d])
			}
		}
	}
	r.all = append(r.all, strings.TrimSpace(name+" "+value+" "+strings.Join(parts, " ")))
}

// sorted is what was emitted, but for names that begin so.
func (r *recorder) sorted(without ...string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, one := range r.all {
		if !slices.ContainsFunc(without, func(prefix string) bool { return strings.HasPrefix(one, prefix) }) {
			all = append(all, one)
		}
	}
	slices.Sort(all)
	return all
}

// answers are what an API server answers to paths: JSON, or a status as a number.
type answers map[string]string

// serve is an API server with these answers, and 404 for all else. It notes requests.
func serve(t *testing.T, a answers) (api *openshift.API, requests func() []*url.URL) {
	t.Helper()
	var mu sync.Mutex
	var asked []*url.URL
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL)
		mu.Unlock()
		text, found := a[r.URL.Path+"?"+r.URL.RawQuery]
		if !found {
			text, found = a[r.URL.Path]
		}
		if !found && (r.URL.Path == programsPath || r.URL.Path == exportersPath) { // API servers have all of Kubernetes' own kinds
			text, found = items(), true
		}
		code, err := strconv.Atoi(text)
		switch {
		case !found:
			http.NotFound(w, r)
		case err == nil:
			w.WriteHeader(code)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
		}
	}))
	t.Cleanup(server.Close)
	kubeconfig := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"u","user":{"token":"x"}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}`, server.URL)
	api, err := openshift.Open([]byte(kubeconfig), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	return api, func() []*url.URL {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
}

const clusterID = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"

// look is a look at a cluster that answers so. Its ClusterVersion is 4.19.24 unless said
// otherwise.
func look(t *testing.T, a answers, change ...func(*Look)) (*Look, *recorder, func() []*url.URL) {
	t.Helper()
	api, requests := serve(t, a)
	r := &recorder{}
	l := &Look{Service: Service{Build: "new", Domain: "eastus.example.com"}, API: api, Emit: r, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		Cluster: &Cluster{ResourceID: clusterID, Domain: "c.eastus.example.com", ProvisionedBy: "old", ProvisioningState: "Succeeded", CreatedAt: now.Add(-day), PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16"}}
	l.version = &clusterVersion{}
	l.version.Status.Desired.Version = "4.19.24"
	l.version.Status.History = append(l.version.Status.History, struct {
		State   string `json:"state"`
		Version string `json:"version"`
	}{"Completed", "4.19.24"})
	for _, c := range change {
		c(l)
	}
	l.prepare(t.Context())
	return l, r, requests
}

// items is a list of objects.
func items(objects ...string) string { return `{"items":[` + strings.Join(objects, ",") + `]}` }

// conditioned is an object with conditions, each TYPE=STATUS.
func conditioned(name string, conditions ...string) string {
	return `{"metadata":{"name":"` + name + `"},"status":{"conditions":[` + conditionsJSON(conditions...) + `]}}`
}

func conditionsJSON(conditions ...string) string {
	var list []string
	for _, c := range conditions {
		kind, status, _ := strings.Cut(c, "=")
		list = append(list, fmt.Sprintf(`{"type":%q,"status":%q,"message":"m"}`, kind, status))
	}
	return strings.Join(list, ",")
}

// case of a collector: what the API server answers, and what is emitted for it.
type tested struct {
	collect func(*testing.T, *Look) error
	answers answers
	change  func(*Look)
	want    []string
	fails   bool
}

func run(name string, all []Collector) func(*testing.T, *Look) error {
	return func(t *testing.T, l *Look) error {
		t.Helper()
		i := slices.IndexFunc(all, func(c Collector) bool { return c.Name == name })
		if i < 0 {
			t.Fatalf("there is no collector %s", name)
		}
		return all[i].Collect(t.Context(), l)
	}
}

func check(t *testing.T, cases map[string]tested) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*Look) {}
			}
			l, r, _ := look(t, c.answers, change)
			err := c.collect(t, l)
			if (err != nil) != c.fails {
				t.Errorf("it ends as %v", err)
			}
			slices.Sort(c.want)
			if got := r.sorted(); !slices.Equal(got, c.want) {
				t.Errorf("emitted\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
		})
	}
}

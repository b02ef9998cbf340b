package scenarios

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/initialdata"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	location     = "eastus"
	public       = "https://management.azure.com"
)

// step is one file of a scenario; see the package comment.
type step struct {
	Method, Path string
	Headers      map[string]string
	Create       json.RawMessage
	Body         json.RawMessage
	Finish       model.ProvisioningState
	Versions     []string
}

func TestScenarios(t *testing.T) {
	update := flag.Lookup("update").Value.(flag.Getter).Get().(bool)
	folders, err := filepath.Glob("*/01-*.json")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, first := range folders {
		folder := filepath.Dir(first)
		steps := readSteps(t, folder)
		for _, version := range harness.Versions() {
			t.Run(folder+"/"+version, func(t *testing.T) {
				t.Parallel()
				compare(t, filepath.Join(folder, version+".golden"), newStage(t, version).play(steps), update)
			})
		}
	}
}

// TestMain adds the flag that rewrites golden files.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the golden files")
	flag.Parse()
	os.Exit(m.Run())
}

func readSteps(t *testing.T, folder string) []step {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "[0-9][0-9]-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	steps := make([]step, len(files))
	for i, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&steps[i]); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return steps
}

func compare(t *testing.T, file, got string, update bool) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; -update rewrites it. First difference:\n%s", file, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got: %s\nwant: %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// stage is a server in one version's play.
type stage struct {
	t       *testing.T
	version string
	id      arm.ClusterID
	store   *store.Store
	handler http.Handler
	out     strings.Builder
}

func newStage(t *testing.T, version string) *stage {
	t.Helper()
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, version: version, store: store.New(driver, keys),
		id: arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "Demo", Name: "one"}}
	t.Cleanup(func() { _ = s.store.Close() })
	if err := initialdata.Empty(t.Context(), s.store, nil); err != nil {
		t.Fatal(err)
	}
	ids := 0
	s.handler = edge.Must(t, edge.Options{HTTP: httpserver.Config{Hosts: []string{"example.com"}}, Config: server.Config{Store: s.store, Build: "golden",
		Now:   func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		NewID: func() string { ids++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", ids) },
	}})
	if code := s.send("PUT", "/subscriptions/"+subscription+"?api-version=2.0", nil, []byte(`{"state":"Registered"}`)).Code; code != http.StatusCreated {
		t.Fatalf("the subscription was answered with %d", code)
	}
	return s
}

func (s *stage) play(steps []step) string {
	for _, step := range steps {
		switch {
		case step.Versions != nil && !slices.Contains(step.Versions, s.version):
		case step.Finish != "":
			s.finish(step.Finish)
		default:
			s.exchange(step)
		}
	}
	return s.out.String()
}

func (s *stage) exchange(step step) {
	path := strings.NewReplacer("{cluster}", s.id.String(), "{subscription}", "/subscriptions/"+subscription,
		"{group}", "/subscriptions/"+subscription+"/resourceGroups/"+s.id.ResourceGroup,
		"{location}", "/subscriptions/"+subscription+"/providers/"+arm.Namespace+"/locations/"+location,
		"{namespace}", "/providers/"+arm.Namespace).Replace(step.Path)
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	w := s.send(step.Method, path+separator+"api-version="+s.version, step.Headers, s.body(step))
	fmt.Fprintf(&s.out, "%s %s\n%d\n", step.Method, path, w.Code)
	names := make([]string, 0, len(w.Header()))
	for name := range w.Header() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&s.out, "%s: %s\n", name, w.Header().Get(name))
	}
	if w.Body.Len() > 0 {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, w.Body.Bytes(), "", "  "); err != nil {
			s.t.Fatalf("%s %s answered no JSON: %s", step.Method, path, w.Body)
		}
		s.out.WriteString(pretty.String() + "\n")
	}
	s.out.WriteString("\n")
}

func (s *stage) body(step step) []byte {
	if step.Create == nil {
		return step.Body
	}
	raw, err := json.Marshal(harness.Body(s.version, s.id, location))
	if err == nil {
		raw, err = jsonpatch.MergePatch(raw, step.Create)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func (s *stage) send(verb, target string, headers map[string]string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(verb, target, bytes.NewReader(body)).WithContext(s.t.Context())
	r.Header.Set("Referer", public+target)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// finish ends the running operation as a worker would.
func (s *stage) finish(state model.ProvisioningState) {
	ctx, now := s.t.Context(), time.Date(2026, 1, 2, 3, 14, 5, 0, time.UTC)
	doc, err := s.store.Clusters.Get(ctx, s.id.Partition(), s.id.Key())
	if err != nil {
		s.t.Fatal(err)
	}
	running := doc.Cluster.Internal.Operation
	_, err = s.store.Operations.Update(ctx, running.ID, running.ID, func(op *store.OperationDocument) error {
		op.Operation.State, op.Operation.EndedAt = state, &now
		if state == model.Failed {
			op.Operation.Error = &model.OperationError{Code: arm.OperationFailed.Name, Message: "The step failed."}
		}
		return nil
	})
	if err == nil && running.Kind == model.Delete && state == model.Succeeded {
		err = s.store.Clusters.Delete(ctx, doc)
	} else if err == nil {
		_, err = s.store.Clusters.Update(ctx, s.id.Partition(), s.id.Key(), func(doc *store.ClusterDocument) error {
			doc.Cluster.End(state, "", now)
			doc.Cluster.Internal.KubeadminPassword, doc.Cluster.Internal.UserAdminKubeconfig = "password", "kubeconfig"
			return nil
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(&s.out, "the %s ends: %s\n\n", running.Kind, state)
}

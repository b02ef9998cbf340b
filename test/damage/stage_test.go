package damage

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	location     = "eastus"
	patience     = 60 * time.Second
)

// binary is built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(path string) { binary = path }))
}

// stage is a server and a worker, processes apart, and the file they share.
type stage struct {
	*harness.Client
	t      testing.TB
	path   string // of the database
	worker *harness.Process
}

// newStage starts the processes. prepare may write the database before the worker
// sees it.
func newStage(t testing.TB, prepare func(*stage)) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	s := &stage{t: t, path: filepath.Join(t.TempDir(), "aro.db")}
	planes := harness.NewControlPlanes(t, harness.Behaviour{})
	options := harness.Options{Binary: binary, Store: "sqlite:" + s.path, ControlPlanes: planes.Address,
		Lease: 10 * time.Second, Poll: 100 * time.Millisecond}
	working := options
	options.Args, working.BackendOnly = []string{"--no-backend"}, true
	s.Client = harness.NewClient(harness.Start(t, options).URL, nil)
	s.tell("Registered")
	if prepare != nil {
		prepare(s)
	}
	s.worker = harness.Start(t, working)
	return s
}

// tell sends the subscription's state.
func (s *stage) tell(state string) {
	s.t.Helper()
	r := s.ask(harness.Request{Method: http.MethodPut, Path: "/subscriptions/" + subscription, Version: "2.0",
		Body: harness.Object{"state": state, "properties": harness.Object{"tenantId": "00000000-0000-0000-0000-0000000000b1"}}})
	if r.Status >= 300 {
		s.t.Fatal(r)
	}
}

func (s *stage) ask(r harness.Request) *harness.Reply {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	reply, err := s.Do(ctx, r)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply
}

func clusterID(name string) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "damage", Name: name}
}

func (s *stage) put(name string) error {
	id := clusterID(name)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := s.Do(ctx, harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location)})
	if err == nil && r.Status != http.StatusCreated {
		err = fmt.Errorf("create %s: %s", name, r)
	}
	return err
}

// await polls until the cluster is in the state; "gone" is that there is none.
func (s *stage) await(name, state string) error {
	var last *harness.Reply
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		r, err := s.Do(ctx, harness.Request{Method: http.MethodGet, Path: clusterID(name).String(), Version: harness.Newest})
		cancel()
		if err != nil {
			return err
		}
		if last = r; r.Text("properties.provisioningState") == state || state == "gone" && r.Status == http.StatusNotFound {
			return nil
		}
	}
	return fmt.Errorf("%s is not %s after %s: %s", name, state, patience, last)
}

// eventually waits for what must happen.
func (s *stage) eventually(what string, happened func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("did not happen within %s: %s", patience, what)
		}
	}
}

// poison writes count clusters that have been due for an hour and cannot be read:
// every second one because of a member of another type, the others because of a
// missing key. It returns their ids.
func (s *stage) poison(count int) (ids []arm.ClusterID) {
	s.t.Helper()
	ctx := context.Background()
	driver, err := sqlite.Open(ctx, s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		s.t.Fatal(err)
	}
	stranger := store.New(driver, keys)
	defer func() { _ = stranger.Close() }()
	for i := range count {
		id := clusterID(fmt.Sprintf("ill-%03d", i))
		ids = append(ids, id)
		if i%2 == 0 {
			body := fmt.Sprintf(`{"id":%q,"partition":%q,"due":-3600,"cluster":{"id":%q,"properties":{"clusterProfile":"canary"}}}`, id.Key(), id.Partition(), id.String())
			_, err = driver.Create(ctx, store.Containers()[0], store.Record{Partition: id.Partition(), ID: id.Key(), Body: []byte(body)})
		} else {
			doc := store.NewCluster(id)
			doc.Due, doc.Cluster.ID, doc.Cluster.Name = store.Due(-time.Hour), id.String(), id.Name
			doc.Cluster.Properties.ClusterProfile.PullSecret = "canary"
			err = stranger.Clusters.Create(ctx, doc)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return ids
}

// health is what a process without the API answers.
func (s *stage) health(path string) string {
	s.t.Helper()
	_, rest, found := strings.Cut(s.worker.Output(), `"msg":"listening for health and metrics","address":"`)
	address, _, _ := strings.Cut(rest, `"`)
	if !found {
		s.t.Fatal("the worker does not listen")
	}
	return string(s.ask(harness.Request{Method: http.MethodGet, Path: "http://" + address + path}).Body)
}

package simulated_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/simulated"
	"github.com/aro-rp/aro/test/simulated/provider"
)

// fakeProvider is a small fakeProvider of machines: each read of a cluster moves it to the next
// stage, from booting to ready, or from leaving to gone.
type fakeProvider struct {
	mu       sync.Mutex
	clusters map[string]*machines
	fail     error // of every call, while set
	applied  int
}

type machines struct {
	spec    provider.Spec
	looks   int
	leaving bool
}

const canary = "canary-9d1e"

func (p *fakeProvider) Apply(_ context.Context, spec provider.Spec) (provider.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return provider.Status{}, p.fail
	}
	p.applied++
	p.clusters[spec.ID] = &machines{spec: spec}
	return provider.Status{}, nil
}

func (p *fakeProvider) Get(_ context.Context, id string) (provider.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return provider.Status{}, p.fail
	}
	m := p.clusters[id]
	if m == nil {
		return provider.Status{}, fmt.Errorf("control plane %s: %w", id, provider.ErrNotFound)
	}
	m.looks++
	want := m.spec.Masters.Count
	for _, w := range m.spec.Workers {
		want += w.Count
	}
	s := provider.Status{NodesWanted: want, Message: "booting"}
	if m.looks >= 2 {
		s.APIServerReady, s.APIServerURL, s.APIServerIP = true, "https://127.0.0.1:6443/", "127.0.0.1"
		s.ConsoleURL, s.IngressIP = "https://console/", "127.0.0.2"
		s.AdminKubeconfig, s.KubeadminPassword = []byte(canary), canary
		s.NodesReady, s.Message = 1, ""
	}
	if m.looks >= 5 {
		s.NodesReady = want
	}
	return s, nil
}

func (p *fakeProvider) Remove(_ context.Context, id string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.clusters[id]
	if m == nil || m.leaving {
		delete(p.clusters, id)
		return true, nil
	}
	m.leaving = true
	return false, nil
}

func (p *fakeProvider) spec(id string) (provider.Spec, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.clusters[id]
	if m == nil {
		return provider.Spec{}, false
	}
	return m.spec, true
}

func (p *fakeProvider) failWith(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

// service is a worker with the real plans.
type service struct {
	t        testing.TB
	store    *store.Store
	worker   *backend.Worker
	provider *fakeProvider
	log      *bytes.Buffer // readable after stop
	stop     func()
}

const subscription = "00000000-0000-0000-0000-000000000001"

func start(t *testing.T) *service {
	t.Helper()
	k, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, store: store.New(k, keys), provider: &fakeProvider{clusters: map[string]*machines{}}, log: &bytes.Buffer{}}
	s.worker, err = backend.New(backend.Config{Store: s.store, LeaseTTL: 2 * time.Second, PollInterval: 20 * time.Millisecond,
		Log:   slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Plans: simulated.Plans(simulated.Dependencies{Machines: s.provider, Billing: s.store.Billing, Build: "build-1"})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.worker.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { s.stop(); s.store.Close() })
	return s
}

func (s *service) create() *store.ClusterDocument {
	s.t.Helper()
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "rg", Name: "One.Cluster"}
	doc := store.NewCluster(id)
	doc.Due = store.Due(0)
	c := &doc.Cluster
	c.ID, c.Name, c.Location = id.String(), id.Name, "eastus"
	c.Internal.UID = uuid.NewString()
	c.Properties.ClusterProfile = model.ClusterProfile{Domain: "one.example.com", Version: "4.17.1", PullSecret: canary}
	c.Properties.NetworkProfile.PodCIDR, c.Properties.NetworkProfile.ServiceCIDR = "10.128.0.0/14", "172.30.0.0/16"
	c.Properties.MasterProfile.VMSize = "Standard_D8s_v3"
	c.Properties.WorkerProfiles = []model.WorkerProfile{{Name: "worker", VMSize: "Standard_D4s_v3", Count: 3}}
	c.Properties.IngressProfiles = []model.IngressProfile{{Name: "default"}}
	if err := c.Begin(s.operation(model.Create)); err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Clusters.Create(s.t.Context(), doc); err != nil {
		s.t.Fatal(err)
	}
	s.worker.Wake()
	return doc
}

func (s *service) operation(kind model.OperationKind) model.Operation {
	s.t.Helper()
	d := store.NewOperation(uuid.NewString())
	if err := s.store.Operations.Create(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
	return model.Operation{ID: d.ID, Kind: kind, StartedAt: time.Now()}
}

func (s *service) change(doc *store.ClusterDocument, kind model.OperationKind, change func(*model.Cluster)) {
	s.t.Helper()
	op := s.operation(kind)
	if _, err := s.store.Clusters.Update(s.t.Context(), doc.Partition, doc.ID, func(d *store.ClusterDocument) error {
		change(&d.Cluster)
		if d.Owner == "" {
			d.Due = store.Due(0)
		}
		return d.Cluster.Begin(op)
	}); err != nil {
		s.t.Fatal(err)
	}
	s.worker.Wake()
}

// settled waits until no operation runs; nil if the cluster is gone.
func (s *service) settled(doc *store.ClusterDocument) *model.Cluster {
	s.t.Helper()
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		d, err := s.store.Clusters.Get(s.t.Context(), doc.Partition, doc.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if d.Cluster.Internal.Operation == nil {
			return &d.Cluster
		}
		last = fmt.Sprintf("%+v", d.Cluster.Internal.Operation.Current)
	}
	s.t.Fatal("the operation does not end; current step: ", last)
	return nil
}

func TestLifeOfACluster(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := s.create()
	uid := doc.Cluster.Internal.UID

	c := s.settled(doc)
	if c.Properties.ProvisioningState != model.Succeeded {
		t.Fatalf("after create: %s", c.Properties.ProvisioningState)
	}
	spec, _ := s.provider.spec(uid)
	if spec.InfraID != c.Internal.InfraID || spec.Domain != "one.example.com" || spec.Masters.Count != 3 || len(spec.Workers) != 1 || spec.Workers[0].Count != 3 {
		t.Errorf("machines were asked for as %+v", spec)
	}
	if c.Properties.APIServerProfile.URL == "" || c.Properties.APIServerProfile.IP == "" || c.Properties.ConsoleProfile.URL == "" || c.Properties.IngressProfiles[0].IP == "" {
		t.Errorf("the client does not learn where the cluster is: %+v", c.Properties)
	}
	if string(c.Internal.UserAdminKubeconfig) != canary || string(c.Internal.AdminKubeconfig) != canary || string(c.Internal.KubeadminPassword) != canary {
		t.Error("credentials are not stored")
	}
	if len(c.Properties.WorkerProfilesStatus) != 1 || c.Properties.WorkerProfilesStatus[0].Count != 3 {
		t.Errorf("workers recorded as %+v", c.Properties.WorkerProfilesStatus)
	}
	if b := s.billing(doc); b == nil || b.CreatedAt == nil || b.DeletedAt != nil || b.InfraID != c.Internal.InfraID || b.ResourceID != c.ID {
		t.Errorf("billed as %+v", b)
	}

	s.change(doc, model.Update, func(c *model.Cluster) { c.Properties.WorkerProfiles[0].Count = 5 })
	if c = s.settled(doc); c.Properties.ProvisioningState != model.Succeeded || c.Properties.WorkerProfilesStatus[0].Count != 5 {
		t.Errorf("after scaling: %s with %+v", c.Properties.ProvisioningState, c.Properties.WorkerProfilesStatus)
	}

	s.change(doc, model.Delete, func(*model.Cluster) {})
	if s.settled(doc) != nil {
		t.Error("the document is still there after the delete")
	}
	if _, there := s.provider.spec(uid); there {
		t.Error("the machines are still there after the delete")
	}
	if b := s.billing(doc); b == nil || b.DeletedAt == nil {
		t.Errorf("after the delete billed as %+v", b)
	}
	s.stop()
	if strings.Contains(s.log.String(), canary) {
		t.Errorf("a secret is in the log:\n%s", s.log)
	}
}

func (s *service) billing(doc *store.ClusterDocument) *model.Billing {
	s.t.Helper()
	d, err := s.store.Billing.Get(s.t.Context(), subscription, doc.Cluster.Internal.UID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return &d.Billing
}

func TestADeleteOfAClusterThatNeverBecameOne(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.provider.failWith(errors.New("no machines today"))
	doc := s.create()
	time.Sleep(50 * time.Millisecond) // at any moment of the create
	s.change(doc, model.Delete, func(*model.Cluster) {})
	if s.settled(doc) != nil {
		t.Error("the document is still there")
	}
	if b := s.billing(doc); b != nil {
		t.Errorf("it was billed: %+v", b)
	}
}

func TestMaintenanceDoesWhatItsTaskSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		why         string
		task        model.MaintenanceTask
		applied     int
		credentials bool
		build, err  string
	}{
		"everything":   {why: "named", task: model.Everything, applied: 1, credentials: true, build: "build-1"},
		"absent":       {why: "means everything", applied: 1, credentials: true, build: "build-1"},
		"certificates": {why: "only that", task: model.CertificatesRenewal, credentials: true},
		"others":       {why: "an unknown task is rejected", task: "OfANewerRelease", err: "RequestNotAllowed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			doc := s.create()
			s.settled(doc)
			before := s.provider.applied
			s.change(doc, model.AdminUpdate, func(c *model.Cluster) {
				c.Internal.MaintenanceTask = test.task
				c.Internal.UserAdminKubeconfig = "old"
			})
			c := s.settled(doc)
			failure, _, _ := strings.Cut(c.Internal.LastAdminUpdateError, ":")
			if c.Properties.ProvisioningState != model.Succeeded || c.Internal.MaintenanceTask != "" || failure != test.err {
				t.Errorf("ended %s with %q", c.Properties.ProvisioningState, c.Internal.LastAdminUpdateError)
			}
			fresh := string(c.Internal.UserAdminKubeconfig) == canary
			if applied := s.provider.applied - before; applied != test.applied || fresh != test.credentials || c.Internal.ProvisionedBy != test.build {
				t.Errorf("%s: applied %d times, credentials fresh %v, build %q", test.why, applied, fresh, c.Internal.ProvisionedBy)
			}
		})
	}
}

func TestEveryMaintenanceTaskHasSteps(t *testing.T) {
	for _, task := range model.MaintenanceTasks() {
		c := &model.Cluster{}
		c.Internal.MaintenanceTask = task
		steps := 0
		for _, step := range simulated.Plans(simulated.Dependencies{})[model.AdminUpdate] {
			if step.Only == nil || step.Only(c) {
				steps++
			}
		}
		if steps < 2 {
			t.Errorf("%s is offered but has %d steps", task, steps)
		}
	}
}

func TestLostMachinesAreAskedForAnew(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := s.create()
	c := s.settled(doc)
	s.provider.Remove(t.Context(), c.Internal.UID)
	s.provider.Remove(t.Context(), c.Internal.UID)
	s.change(doc, model.AdminUpdate, func(c *model.Cluster) { c.Internal.MaintenanceTask = "CertificatesRenewal" })
	s.settled(doc)
	if _, there := s.provider.spec(c.Internal.UID); !there {
		t.Error("the machines were not requested again")
	}
}

func TestPlansAreValid(t *testing.T) {
	for kind, steps := range simulated.Plans(simulated.Dependencies{}) {
		if err := pipeline.Validate(steps); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestInfraIDsAreLabels(t *testing.T) {
	label := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?-[a-z0-9]{5}$`)
	for name, prefix := range map[string]string{
		"cluster":                       "cluster-",
		"My.Cluster_(1)":                "my-cluster--1-",
		"--":                            "aro-",
		"a-very-long-name-of-a-cluster": "a-very-long-name-of-a-",
		"exactly-twenty-chars-x-":       "exactly-twenty-chars-",
	} {
		id := simulated.NewInfraID(name)
		if !label.MatchString(id) || !strings.HasPrefix(id, prefix) || len(id) > 27 {
			t.Errorf("NewInfraID(%q) = %q, want a label of at most 27 beginning with %q", name, id, prefix)
		}
	}
	if first, second := simulated.NewInfraID("c"), simulated.NewInfraID("c"); first == second {
		t.Error("two infra ids of one name are equal")
	}
}

package cluster

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/test/message"
)

func TestABrokenWebhookIsToldByItsName(t *testing.T) {
	const root = "/api/v1/namespaces/kube-system/secrets/azure-credentials"
	for name, test := range map[string]struct {
		status  int
		message string
		says    string
	}{
		"cannot be called": {500, `Internal error occurred: failed calling webhook "validate.corp.example": failed to call webhook: Post "https://hook.corp.svc:443/v?timeout=10s": dial tcp 172.30.0.9:443: connect: connection refused`, "connection refused"},
		"refuses":          {403, `admission webhook "validate.corp.example" denied the request: no such secret as hunter2`, "refuses what the service has to change"},
	} {
		t.Run(name, func(t *testing.T) {
			s, k := setUp(t), newKube(t)
			k.put(root, map[string]any{"data": map[string]any{}})
			reason := map[int]string{500: "InternalError", 403: "Forbidden"}[test.status]
			k.on("PATCH "+root, func() (int, any) { return test.status, kubeStatus(test.status, reason, test.message) })
			w := s.work(model.Update, k.of)
			err := s.do(s.updateClusterSecrets, w)
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code != arm.AdmissionDenied || len(message.Wrong(typed, "hunter2")) > 0 || !strings.Contains(typed.Message, "validate.corp.example") {
				t.Fatalf("got %v, want the webhook's name", err)
			}
			if !strings.Contains(typed.Message, test.says) || strings.Contains(typed.Message, "to answer") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("customers are told %q, the record is %q", typed.Message, err)
			}
		})
	}
}

// poolRecorder is a validator that records the pools that it validates.
type poolRecorder struct {
	fakeValidator
	pools []string
}

func (j *poolRecorder) Validate(_ context.Context, c *model.Cluster, _ model.OperationKind) error {
	_, pools := c.Properties.WorkerPools()
	for _, p := range pools {
		j.pools = append(j.pools, lastSegment(p.SubnetID))
	}
	return nil
}

func TestAnUpdateJudgesTheWorkersThatTheClusterHasNow(t *testing.T) {
	long := func(c *model.Cluster) {
		c.Properties.WorkerProfilesStatus = []model.WorkerProfile{{Name: "gone", SubnetID: vnetID + "/subnets/gone"}}
	}
	tests := map[string]struct {
		why  string
		kube func(*kube)
		want []string
	}{
		"answers":        {why: "the pool with the bad subnet is long gone", kube: func(k *kube) { k.pool("one", "worker") }, want: []string{"worker"}},
		"has no workers": {why: "those of the create are gone too", kube: func(*kube) {}},
		"does not answer": {why: "its state is unknown, and the update may repair it", kube: func(k *kube) {
			k.on("GET "+kubeVersion, func() (int, any) { return 503, kubeStatus(503, "ServiceUnavailable", "m") })
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, k, j := setUp(t), newKube(t), &poolRecorder{}
			test.kube(k)
			s.use(func(d *Dependencies) { d.Validator = j })
			w := s.work(model.Update, func(c *model.Cluster) { k.of(c); long(c) })
			s.must(s.do(s.validateUpdate, w))
			if !slices.Equal(j.pools, test.want) {
				t.Errorf("%s: judged %v, want %v", test.why, j.pools, test.want)
			}
			if c := w.Resource(); len(c.Properties.WorkerProfiles) != 1 || c.Properties.WorkerProfiles[0].SubnetID == "" {
				t.Error("what was asked for at the create was lost")
			}
		})
	}
}

func TestALookRecordsAndDatesWhatAClusterSaysOfItself(t *testing.T) {
	s, k := setUp(t), newKube(t)
	k.put(kubeVersion, map[string]any{"status": map[string]any{"desired": map[string]any{"version": "4.20.1"}}})
	k.pool("more", "worker")
	c := s.work(model.Update, k.of).Resource()
	record, err := s.look(t.Context(), c)
	s.must(err)
	if !record(c) || c.Properties.ClusterProfile.Version != "4.20.1" || len(c.Properties.WorkerProfilesStatus) != 1 || c.Internal.Observation.At.IsZero() {
		t.Errorf("recorded %q, %v, %+v", c.Properties.ClusterProfile.Version, c.Properties.WorkerProfilesStatus, c.Internal.Observation)
	}
	if record(c) {
		t.Error("customers are told of a change that is none")
	}
	if got := len(k.seen); got != 0 {
		t.Errorf("a look changed the cluster: %v", k.seen)
	}
}

// BenchmarkLook measures what it takes to ask one cluster: a connection by TLS of its
// own and three questions. The API server's half is in the time and the processor's.
func BenchmarkLook(b *testing.B) {
	k := newKube(b)
	for _, zone := range []string{"1", "2", "3"} {
		k.pool("workers-"+zone, "worker")
	}
	s := newSteps(Dependencies{Env: &environment.Environment{Mode: environment.Test}})
	c := &model.Cluster{ID: customerID + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"}
	k.of(c)
	before := processorTime(b)
	for b.Loop() {
		if _, err := s.observation.look(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

const day = 24 * time.Hour

// signs gives the installer's result what kubeconfigs are made from.
func (f *fakeInstaller) signs(t *testing.T, kubeconfig model.Secret) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin-kubeconfig-signer"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 365 * day), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	f.result.AdminKubeconfig = install.Secret(kubeconfig)
	f.result.AdminKubeconfigSigner.Cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	f.result.AdminKubeconfigSigner.Key = install.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// TestALookRenewsTheKubeconfigOfCustomers also when the cluster is silent: what it takes
// is in the cluster's storage account.
func TestALookRenewsTheKubeconfigOfCustomers(t *testing.T) {
	for name, test := range map[string]struct {
		left    time.Duration
		silent  bool
		renewed bool
	}{
		"lasts":                  {left: 300 * day},
		"old":                    {left: 200 * day, renewed: true},
		"expired":                {left: -day, renewed: true},
		"expired, silent":        {left: -day, silent: true, renewed: true},
		"lasts, cluster silent":  {left: 300 * day, silent: true},
		"there is none (damage)": {renewed: true}, // a year after
	} {
		t.Run(name, func(t *testing.T) {
			s, k := setUp(t), newKube(t)
			s.storage().signs(t, k.kubeconfig)
			if test.silent {
				k.on("GET "+kubeVersion, func() (int, any) { return 503, kubeStatus(503, "ServiceUnavailable", "The server is away.") })
			}
			w := s.work(model.Create, func(c *model.Cluster) {
				installable(c)
				c.Properties.APIServerProfile.IP = "127.65.0.4"
			})
			s.must(s.do(s.runInstaller, w))
			s.must(s.do(s.makeKubeconfigs, w))
			c := w.Resource()
			k.of(c)
			made := c.Internal.UserAdminKubeconfig
			if test.left == 0 {
				c.Internal.UserAdminKubeconfig = ""
			}
			later := time.Now().Add(365*day - test.left)
			s.use(func(d *Dependencies) { d.Now = func() time.Time { return later } })
			record, err := Look(s.Dependencies)(t.Context(), c)
			if (err != nil) != test.silent {
				t.Fatal(err)
			}
			record(c)
			got := c.Internal.UserAdminKubeconfig
			if renewed := got != made && got != ""; renewed != test.renewed {
				t.Errorf("renewed %v, want %v", renewed, test.renewed)
			}
			if reach, err := s.userReach(c); err != nil || !openshift.Fresh([]byte(got), reach, later) {
				t.Errorf("what customers get is old (%v)", err)
			}
		})
	}
}

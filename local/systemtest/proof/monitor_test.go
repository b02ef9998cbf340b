package proof

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	watchTimeout = 5 * time.Minute
	// shown is within what time a trouble is to show in the metrics, and to be gone from
	// them when it is mended.
	shown = 2 * time.Minute
	// watchEvery is the time between two looks at a cluster, here.
	watchEvery = 3 * time.Second
)

// isMonitored waits until the monitor runs.
func (w *environment) isMonitored(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	eventually(ctx, t, "the monitor runs", func() (bool, error) { return len(w.series(ctx, t, "monitor.cache.size", "", "")) > 0, nil })
}

// isWatched breaks one of two clusters in several ways, and sees in the metrics of the
// monitor what is broken, that nothing else is, and that it is mended.
func isWatched(t *testing.T, breaks, stays *monitored) {
	ctx, cancel := context.WithTimeout(t.Context(), watchTimeout)
	defer cancel()
	for _, c := range []*monitored{breaks, stays} {
		c.shows(ctx, t, "apiserver.healthz.code", "code=200")
		c.shows(ctx, t, "node.count", "role=master")
	}
	began := time.Now()
	breaks.hasExpiredCertificate(ctx, t)
	breaks.losesMasters(ctx, t)
	for _, kind := range []string{"node.conditions", "clusteroperator.conditions", "pod.conditions", "pod.containerstatuses"} {
		if found := stays.fresh(ctx, t, began, kind, ""); len(found) > 0 {
			t.Errorf("of the other cluster is told: %+v", found)
		}
	}
}

// monitored is a cluster that the monitor looks at.
type monitored struct{ *customer }

// series is the newest metric of the cluster.
type series struct {
	Metric   string
	Dims     map[string]string
	Value    float64
	LastSeen time.Time
}

func (c *monitored) series(ctx context.Context, t *testing.T, metric, dims string) []series {
	t.Helper()
	return c.environment.series(ctx, t, metric, c.id(), dims)
}

// series are those of a metric that have a word, and these dimensions, each NAME=VALUE.
func (w *environment) series(ctx context.Context, t *testing.T, metric, word, dims string) (found []series) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Origin+"/mdm/series?q="+url.QueryEscape(metric+" "+word), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var all []series
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		fits := s.Metric == metric
		for dim := range strings.FieldsSeq(dims) {
			name, value, _ := strings.Cut(dim, "=")
			fits = fits && s.Dims[name] == value
		}
		if fits {
			found = append(found, s)
		}
	}
	return found
}

// fresh are the series that were sent since then.
func (c *monitored) fresh(ctx context.Context, t *testing.T, since time.Time, metric, dims string) (found []series) {
	t.Helper()
	for _, s := range c.series(ctx, t, metric, dims) {
		if s.LastSeen.After(since) {
			found = append(found, s)
		}
	}
	return found
}

// shows waits until a series is sent, and returns it.
func (c *monitored) shows(ctx context.Context, t *testing.T, metric, dims string) (told series) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, shown)
	defer cancel()
	began := time.Now()
	eventually(ctx, t, c.name+" shows "+metric+" "+dims, func() (bool, error) {
		found := c.fresh(ctx, t, began, metric, dims)
		if len(found) > 0 {
			told = found[0]
		}
		return len(found) > 0, nil
	})
	t.Logf("%s shows %s %s after %s", c.name, metric, dims, time.Since(began).Truncate(time.Second))
	return told
}

// ceases waits until a series is not sent any more although the cluster is looked at.
func (c *monitored) ceases(ctx context.Context, t *testing.T, metric, dims string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, shown)
	defer cancel()
	began := time.Now()
	eventually(ctx, t, c.name+" does not show "+metric+" "+dims+" any more", func() (bool, error) {
		lately := time.Now().Add(-3 * watchEvery)
		return len(c.fresh(ctx, t, lately, metric, dims)) == 0 && len(c.fresh(ctx, t, lately, "apiserver.healthz.code", "code=200")) > 0, nil
	})
	t.Logf("%s ceases to show %s %s after %s", c.name, metric, dims, time.Since(began).Truncate(time.Second))
}

// hasExpiredCertificate puts one where the service keeps those of the cluster, and then
// another.
func (c *monitored) hasExpiredCertificate(ctx context.Context, t *testing.T) {
	t.Helper()
	const namespace = "openshift-azure-operator"
	k := c.kube(ctx, t)
	router, err := k.dynamic.Resource(ingressControllers).Namespace("openshift-ingress-operator").Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := unstructured.NestedString(router.Object, "spec", "defaultCertificate", "name")
	secrets := k.CoreV1().Secrets(namespace)
	put := func(until time.Time) {
		secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		secret.Data[corev1.TLSCertKey] = selfSigned(t, until)
		if _, err := secrets.Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put(time.Now().Add(-time.Hour))
	c.shows(ctx, t, "certificate.expirationdate", "name="+name)
	if found := c.series(ctx, t, "certificate.expirationdate", "name="+name+" subject=expired"); len(found) != 1 || found[0].Value >= 0 {
		t.Errorf("of a certificate that expired is told: %+v", found)
	}
	put(time.Now().Add(100 * 24 * time.Hour))
	eventually(ctx, t, "the valid certificate is told", func() (bool, error) {
		for _, s := range c.series(ctx, t, "certificate.expirationdate", "name="+name) {
			if s.Value == 99 {
				return true, nil
			}
		}
		return false, nil
	})
}

func selfSigned(t *testing.T, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate := &x509.Certificate{SerialNumber: big.NewInt(until.Unix()), Subject: pkix.Name{CommonName: "expired"}, NotBefore: until.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// losesMasters powers off one master, then all, and starts them again.
func (c *monitored) losesMasters(ctx context.Context, t *testing.T) {
	t.Helper()
	p := &patient{customer: c.customer, insider: c.insider(ctx, t)}
	first := p.machine(ctx, t)
	at := func(n string) string { return strings.TrimSuffix(first, "1") + n }
	power := func(id, action string) {
		p.insider.want(ctx, t, http.MethodPost, id+"/"+action+"?api-version=2024-07-01", nil, nil)
	}
	node := "nodeName=" + path.Base(first) + " type=Ready"
	power(first, "deallocate")
	c.shows(ctx, t, "node.conditions", node)
	c.shows(ctx, t, "clusteroperator.conditions", "name=etcd type=Degraded status=True")
	power(first, "start")
	c.ceases(ctx, t, "node.conditions", node)
	c.ceases(ctx, t, "clusteroperator.conditions", "name=etcd type=Degraded")
	for _, n := range []string{"0", "1", "2"} {
		power(at(n), "deallocate")
	}
	c.shows(ctx, t, "apiserver.healthz.code", "code=0")
	for _, n := range []string{"0", "1", "2"} {
		power(at(n), "start")
	}
	c.ceases(ctx, t, "apiserver.healthz.code", "code=0")
	c.ceases(ctx, t, "node.conditions", "type=Ready")
}

package region

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/region"
)

const (
	customer   = "11111111-2222-3333-4444-555555555555"
	apiVersion = "2025-07-25"
)

type object = map[string]any

// reply is an answer of the service.
type reply struct {
	status int
	body   object
	// method of the request, whether it was for a list, and when it began.
	method string
	listed bool
	began  time.Time
	took   time.Duration
}

// String is for the slowest of a period.
func (r *reply) String() string {
	what := r.method
	if r.listed {
		what += " of a list"
	}
	return fmt.Sprintf("%s %d %s at %s", what, r.status, r.took.Round(time.Millisecond), r.began.Format("05.0"))
}

// front is Azure Resource Manager's way to the service.
func (w *fixture) front() *http.Client { return w.Client(w.ARM) }

// ask sends a request as Azure Resource Manager does.
func (w *fixture) ask(ctx context.Context, client *http.Client, method, path string, body any) (*reply, error) {
	content, err := json.Marshal(body)
	must(w.t, err)
	version := apiVersion
	if strings.Count(path, "/") == 2 {
		version = "2.0" // a subscription
	}
	req, err := http.NewRequestWithContext(ctx, method, w.URL(path)+"?api-version="+version, bytes.NewReader(content))
	must(w.t, err)
	req.Header.Set("Referer", "https://management.azure.com"+path+"?api-version="+version)
	req.Header.Set("X-Ms-Home-Tenant-Id", customer)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	} else {
		req.Body, req.ContentLength = nil, 0
	}
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r := &reply{status: resp.StatusCode, method: method, listed: strings.HasSuffix(path, "/openShiftClusters"), began: began, took: time.Since(began)}
	_ = json.Unmarshal(text, &r.body)
	return r, nil
}

// ready registers the customer's subscription.
func (w *fixture) ready() {
	w.t.Helper()
	r, err := w.ask(w.t.Context(), w.front(), http.MethodPut, "/subscriptions/"+customer, object{"state": "Registered", "registrationDate": time.Now().UTC().Format(http.TimeFormat), "properties": object{"tenantId": customer}})
	must(w.t, err)
	if r.status != http.StatusOK && r.status != http.StatusCreated {
		w.t.Fatal(r)
	}
}

// body of a create.
func body(name string) object {
	network := "/subscriptions/" + customer + "/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/vnet/subnets/"
	return object{"location": region.Location, "properties": object{
		"clusterProfile":          object{"domain": "d" + name, "resourceGroupId": "/subscriptions/" + customer + "/resourceGroups/aro-" + name},
		"servicePrincipalProfile": object{"clientId": uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String(), "clientSecret": "secret"},
		"networkProfile":          object{"podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16"},
		"masterProfile":           object{"vmSize": "Standard_D8s_v3", "subnetId": network + "master"},
		"workerProfiles":          []any{object{"name": "worker", "vmSize": "Standard_D4s_v3", "diskSizeGB": 128, "subnetId": network + "worker", "count": 3}},
		"apiserverProfile":        object{"visibility": "Public"},
		"ingressProfiles":         []any{object{"name": "default", "visibility": "Public"}},
	}}
}

func clusterID(name string) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: customer, ResourceGroup: "load", Name: name}
}

// traffic is what clients do.
type traffic struct {
	// readers are clients, each of which waits for pause after an answer; 20 ms if 0.
	readers int
	pause   time.Duration
	// clusters are created, one after another, each after every; 500 ms if 0.
	clusters int
	every    time.Duration
	// once repeats a request that found no server, as standard clients do.
	once bool
}

// load is clients that read and write.
type load struct {
	traffic
	mu       sync.Mutex
	failures []string
	answers  []*reply
	created  []string
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// accepted is the number of clusters whose creation was accepted.
func (l *load) accepted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.created)
}

// note counts a request.
func (l *load) note(r *reply, err error, fine ...int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.failures = append(l.failures, err.Error())
	case !slices.Contains(fine, r.status):
		l.failures = append(l.failures, fmt.Sprint(*r))
	default:
		l.answers = append(l.answers, r)
		return true
	}
	return false
}

// period is what clients saw in a time.
type period struct {
	requests int
	p50, p99 time.Duration
	slowest  []*reply
}

func (p period) String() string {
	return fmt.Sprintf("%d requests, median %s, p99 %s, the slowest: %v", p.requests, p.p50.Round(time.Millisecond), p.p99.Round(time.Millisecond), p.slowest)
}

// cut ends a period.
func (l *load) cut() period {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.answers
	l.answers = nil
	n := len(all)
	if n == 0 {
		return period{}
	}
	slices.SortFunc(all, func(a, b *reply) int { return cmp.Compare(a.took, b.took) })
	return period{requests: n, p50: all[n/2].took, p99: all[n*99/100].took, slowest: all[max(0, n-8):]}
}

// begin starts clients: all read lists and clusters, some change clusters, one creates them.
func (w *fixture) begin(what traffic) *load {
	what.pause, what.every = cmp.Or(what.pause, 20*time.Millisecond), cmp.Or(what.every, 500*time.Millisecond)
	l := &load{traffic: what}
	ctx, stop := context.WithCancel(w.t.Context())
	l.stop = func() {
		stop()
		l.work.Wait()
	}
	for i := range l.readers {
		l.work.Go(func() {
			client := w.front()
			pause(ctx, l.pause*time.Duration(i)/time.Duration(l.readers)) // not all at once
			for n := 0; ctx.Err() == nil; n++ {
				path := "/subscriptions/" + customer + "/providers/Microsoft.RedHatOpenShift/openShiftClusters"
				if n%2 == i%2 {
					path = clusterID("c0").String()
				}
				method, body, fine := http.MethodGet, any(nil), []int{http.StatusOK, http.StatusNotFound}
				if i%5 == 4 && n%10 == 9 { // one in five also writes, what may be created or changed just now
					method, path, body = http.MethodPatch, clusterID(fmt.Sprintf("c%d", n/10%10)).String(), object{"tags": object{"by": fmt.Sprint(i, n)}}
					fine = append(fine, http.StatusAccepted, http.StatusConflict)
				}
				r, err := w.ask(context.WithoutCancel(ctx), client, method, path, body)
				if l.once && (err != nil || r.status >= http.StatusInternalServerError) {
					r, err = w.ask(context.WithoutCancel(ctx), client, method, path, body)
				}
				l.note(r, err, fine...)
				pause(ctx, l.pause)
			}
		})
	}
	l.work.Go(func() {
		client := w.front()
		for n := 0; n < l.clusters && ctx.Err() == nil; n++ {
			id := clusterID(fmt.Sprintf("c%d", n))
			fine := []int{http.StatusCreated}
			r, err := w.ask(context.WithoutCancel(ctx), client, http.MethodPut, id.String(), body(id.Name))
			if l.once && (err != nil || r.status >= http.StatusInternalServerError) {
				fine = append(fine, http.StatusOK) // the first may have been accepted
				r, err = w.ask(context.WithoutCancel(ctx), client, http.MethodPut, id.String(), body(id.Name))
			}
			if l.note(r, err, fine...) {
				l.mu.Lock()
				l.created = append(l.created, id.Name)
				l.mu.Unlock()
			}
			pause(ctx, l.every)
		}
	})
	return l
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// await waits until something is so.
func (w *fixture) await(within time.Duration, what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(within); !so(); pause(w.t.Context(), 100*time.Millisecond) {
		if time.Now().After(deadline) {
			w.tail()
			w.t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// settled waits until all clusters that were accepted are as they should be. What a machine
// worked on that was killed goes on when its lease ends, after a minute.
func (w *fixture) settled(l *load, planes *planes) {
	w.t.Helper()
	client := w.front()
	for _, name := range l.created {
		w.await(2*time.Minute, name+" succeeds", func() bool {
			r, err := w.ask(w.t.Context(), client, http.MethodGet, clusterID(name).String(), nil)
			properties, _ := r.properties()
			return err == nil && properties["provisioningState"] == "Succeeded"
		})
	}
	for id, n := range planes.counts() {
		if n.created != 1 || n.removed != 0 {
			w.t.Errorf("the machines of %s were made %d times and removed %d times", id, n.created, n.removed)
		}
	}
}

// properties of a resource; none of an error.
func (r *reply) properties() (object, bool) {
	if r == nil {
		return nil, false
	}
	properties, ok := r.body["properties"].(object)
	return properties, ok
}

// inventory is every resource of the service's subscription, by id.
func (w *fixture) inventory() []string {
	w.t.Helper()
	var all []string
	for _, kind := range w.Azure.Engine.Types("") {
		if strings.Contains(kind, "deployments") {
			continue
		}
		some, err := w.Azure.Engine.Below(w.t.Context(), "/subscriptions/"+"00000000-0000-0000-0000-0000000000a0", kind)
		must(w.t, err)
		for _, r := range some {
			all = append(all, strings.ToLower(r.ID))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func check(t *testing.T, l *load) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, failure := range l.failures {
		if i < 5 {
			t.Errorf("a request failed: %s", failure)
		}
	}
	if n := len(l.failures); n > 0 {
		t.Errorf("%d requests failed", n)
	}
}

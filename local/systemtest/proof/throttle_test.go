package proof

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const (
	// crowd is how many clusters are created at once, and whole how many of them as
	// far as they go.
	crowd = 20
	whole = 3
)

// TestManyCreatesEndInSpiteOfThrottling creates many clusters at once in one
// subscription, under the token buckets that ARM publishes. Meanwhile other work of
// the service takes most of what these give. The first few clusters become whole;
// the others go as far as the machines, which the quota refuses: twenty control
// planes need more than a laptop has.
func TestManyCreatesEndInSpiteOfThrottling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.footprint(t.Context(), t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*createTimeout)
	defer cancel()
	customers := make([]*customer, crowd)
	for n := range customers {
		customers[n] = w.customer(t, order{name: fmt.Sprintf("crowd%02d", n)})
	}
	for _, c := range customers[whole:] {
		w.want(ctx, t, http.MethodPut, "/local/faults/"+c.name, m{"match": m{"method": "PUT", "path": "/" + c.name + "-managed/.*/virtualMachines/"}, "action": m{"kind": "quota"}}, nil)
	}
	idle := w.drain(ctx, t)
	began := time.Now()
	for n, o := range together(ctx, t, customers, (*customer).create) {
		refused := o.Status == "Failed" && o.Error.Code == "ResourceQuotaExceeded" && o.Error.Target == "deploy machines"
		if n < whole && o.Status != "Succeeded" || n >= whole && !refused {
			t.Errorf("the create of %s ended as %+v", customers[n].name, o)
		}
	}
	throttled, err := w.throttled()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d creates ended after %s; Azure throttled %v", crowd, time.Since(began).Round(time.Second), throttled)
	idle()
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		if throttled[method] == 0 {
			t.Errorf("Azure throttled no %s of the service: nothing is proved of them", method)
		}
	}
	for _, o := range together(ctx, t, customers, (*customer).remove) {
		if o.Status != "Succeeded" {
			t.Errorf("a delete ended as %+v", o)
		}
	}
	for _, c := range customers {
		c.leave(ctx, t)
	}
	w.want(ctx, t, http.MethodDelete, "/local/faults", nil, nil)
	w.isAsBefore(t, before)
}

// drain keeps the service's buckets for reads and writes all but empty, until idle.
func (w *world) drain(ctx context.Context, t *testing.T) (idle func()) {
	t.Helper()
	token := w.serviceToken(ctx, t)
	busy, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	for range othersAtOnce {
		others.Go(func() {
			w.otherWork(busy, token, http.MethodGet, "x-ms-ratelimit-remaining-subscription-reads", 200*time.Millisecond)
		})
		others.Go(func() {
			w.otherWork(busy, token, http.MethodPut, "x-ms-ratelimit-remaining-subscription-writes", 400*time.Millisecond)
		})
	}
	return func() {
		cancel()
		others.Wait()
	}
}

// othersAtOnce call for each method: one alone may be slower than its bucket fills.
const othersAtOnce = 4

// serviceToken is the service's first party's, for Azure Resource Manager.
func (w *world) serviceToken(ctx context.Context, t *testing.T) string {
	t.Helper()
	var secret struct{ Value string }
	if _, err := w.service.do(ctx, w.service.pipeline("https://vault.azure.net"), http.MethodGet, w.Origin+"/vaults/aro-svc/secrets/rp-firstparty?api-version=7.5", nil, &secret); err != nil {
		t.Fatal(err)
	}
	certificates, key, err := azidentity.ParseCertificates([]byte(secret.Value), nil)
	if err != nil {
		t.Fatal(err)
	}
	credential, err := azidentity.NewClientCertificateCredential(w.TenantID, firstParty, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: w.client(), DisableInstanceDiscovery: true, SendCertificateChain: true})
	if err != nil {
		t.Fatal(err)
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{w.Origin + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	return token.Token
}

// otherWork makes calls of a method until ctx ends. Until one of the provider's was
// refused it leaves nothing; from then on it only keeps the bucket all but empty, so
// that what flows in as fast as ARM lets it is for the provider.
func (w *world) otherWork(ctx context.Context, token, method, remaining string, look time.Duration) {
	const enough = 3
	for proved := false; ctx.Err() == nil; {
		request, err := http.NewRequestWithContext(ctx, method, w.Origin+"/subscriptions/"+w.SubscriptionID+"/resourceGroups/none?api-version="+resourcesAPI, nil)
		if err != nil {
			return
		}
		request.Header.Set("Authorization", "Bearer "+token)
		answer, err := w.http.Do(request)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if left, err := strconv.Atoi(answer.Header.Get(remaining)); err == nil && left > enough {
			continue
		}
		if !proved {
			throttled, err := w.throttled()
			proved = err == nil && throttled[method] > 0
			continue
		}
		time.Sleep(look)
	}
}

// together begins an operation on each cluster and waits for the end of all.
func together(ctx context.Context, t *testing.T, customers []*customer, begin func(*customer, context.Context, *testing.T) string) []operation {
	t.Helper()
	watches := make([]string, len(customers))
	for n, c := range customers {
		watches[n] = begin(c, ctx, t)
	}
	ended := make([]operation, len(customers))
	var group sync.WaitGroup
	for n, c := range customers {
		group.Go(func() {
			for ctx.Err() == nil && !ended[n].ended() {
				if o, err := c.look(ctx, watches[n]); err == nil {
					ended[n] = o
				}
				time.Sleep(2 * time.Second)
			}
		})
	}
	group.Wait()
	return ended
}

// throttled is how many of the provider's requests to the resource manager were
// refused for now, by method.
func (w *world) throttled() (map[string]int, error) {
	answer, err := http.Get("http://" + w.address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, line := range throttledMetric.FindAllSubmatch(text, -1) {
		found[string(line[1])], _ = strconv.Atoi(string(line[2]))
	}
	return found, nil
}

var throttledMetric = regexp.MustCompile(`(?m)^aro_azure_throttled_total\{method="(\w+)",service="arm"\} (\d+)$`)

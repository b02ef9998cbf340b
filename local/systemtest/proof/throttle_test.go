package proof

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// crowd is how many clusters are created at once.
const crowd = 20

// TestManyCreatesEndInSpiteOfThrottling creates many clusters at once in one
// subscription, under the token buckets that ARM publishes. It goes as far as the
// machines, which the quota refuses: twenty control planes need more than a
// laptop has, and what calls ARM most is done by then. Meanwhile other work of the
// service takes most of what the buckets give.
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
	w.want(ctx, t, http.MethodPut, "/local/faults/machines", m{"match": m{"method": "PUT", "type": "Microsoft.Compute/virtualMachines"}, "action": m{"kind": "quota"}}, nil)
	busy, idle := context.WithCancel(ctx)
	defer idle()
	var others sync.WaitGroup
	token := w.serviceToken(ctx, t)
	others.Go(func() {
		w.otherWork(busy, token, http.MethodGet, "x-ms-ratelimit-remaining-subscription-reads", 200*time.Millisecond)
	})
	others.Go(func() {
		w.otherWork(busy, token, http.MethodPut, "x-ms-ratelimit-remaining-subscription-writes", 400*time.Millisecond)
	})
	began := time.Now()
	for _, o := range together(ctx, t, customers, (*customer).create) {
		if o.Status != "Failed" || o.Error.Code != "ResourceQuotaExceeded" || o.Error.Target != "deploy machines" {
			t.Errorf("a create ended as %+v, want only the machines refused", o)
		}
	}
	t.Logf("%d creates ended after %s; Azure throttled %d requests", crowd, time.Since(began).Round(time.Second), w.throttled(t))
	idle()
	others.Wait()
	if w.throttled(t) == 0 {
		t.Error("Azure throttled no request: nothing is proved")
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

// otherWork makes calls of a method until ctx ends, so that their bucket stays all
// but empty: what is left flows in as fast as ARM lets it.
func (w *world) otherWork(ctx context.Context, token, method, remaining string, look time.Duration) {
	const enough = 3
	for ctx.Err() == nil {
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
		if left, err := strconv.Atoi(answer.Header.Get(remaining)); err != nil || left <= enough {
			time.Sleep(look)
		}
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

// throttled is how many of the provider's requests Azure refused for now.
func (w *world) throttled(t *testing.T) (n int) {
	t.Helper()
	answer, err := http.Get("http://" + w.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "aro_azure_throttled_total") {
			value, err := strconv.ParseFloat(strings.Fields(line)[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			n += int(value)
		}
	}
	return n
}

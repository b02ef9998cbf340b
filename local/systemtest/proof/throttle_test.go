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
)

const (
	// crowd is how many clusters are created at once, and whole how many of them as
	// far as they go.
	crowd = 20
	whole = 3
)

// TestManyCreatesEndInSpiteOfThrottling creates many clusters at once in one
// subscription, under the token buckets that ARM publishes. Meanwhile other work of
// the service takes all that these hold, and leaves what flows in. The first few
// clusters become whole; the others go as far as the machines, which the quota
// refuses: twenty control planes need more than a laptop has.
func TestManyCreatesEndInSpiteOfThrottling(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t)
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
	w.want(ctx, t, http.MethodPut, "/local/faults/others", m{"match": m{"caller": firstParty}, "action": m{"kind": "drain"}}, nil)
	began := time.Now()
	for n, o := range together(ctx, t, customers, (*customer).create) {
		refused := o.Status == "Failed" && o.Error.Code == "ResourceQuotaExceeded" && o.Error.Target == ""
		if n < whole && o.Status != "Succeeded" || n >= whole && !refused {
			t.Errorf("the create of %s ended as %+v", customers[n].name, o)
		}
	}
	throttled, err := w.throttled()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d creates ended after %s; Azure throttled %v", crowd, time.Since(began).Round(time.Second), throttled)
	w.want(ctx, t, http.MethodDelete, "/local/faults/others", nil, nil)
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
func (w *environment) throttled() (map[string]int, error) {
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

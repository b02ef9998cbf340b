package portal_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/entra"
)

// follow reads the pages of a request for what changes on one; the channel ends with the answer.
func (b *browser) follow(path string) <-chan string {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	b.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.origin+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := b.Client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Content-Security-Policy") == "" {
		b.Fatal(res.Status, res.Header)
	}
	pages := make(chan string)
	go func() {
		defer close(pages)
		lines := bufio.NewScanner(res.Body)
		for lines.Buffer(nil, 1<<20); lines.Scan(); {
			var page string
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &page) == nil {
				pages <- page
			}
		}
	}()
	return pages
}

func TestAPageIsNotKeptUpToDateByAProcessThatStops(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	pages := w.login("sre@example.com", entra.GroupSRE).follow(w.cluster)
	<-pages
	close(w.stopping)
	for patience := time.After(20 * time.Second); ; {
		select {
		case _, more := <-pages:
			if !more {
				return
			}
		case <-patience:
			t.Fatal("the request goes on")
		}
	}
}

func TestAPageIsKeptUpToDateByOneRequest(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.at(time.Now().Add(-time.Minute)) // pages say how long ago things were
	sre := w.login("sre@example.com", entra.GroupSRE)
	pages := sre.follow(w.cluster)
	if page := <-pages; !strings.Contains(page, ">Succeeded</span>") || strings.Contains(page, ">Updating</span>") {
		t.Fatal(page)
	}
	id, _ := arm.ParseClusterID(w.cluster)
	if _, err := w.store.Clusters.Update(t.Context(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		doc.Cluster.Properties.ProvisioningState = model.Updating
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if page := <-pages; !strings.Contains(page, ">Updating</span>") {
		t.Fatal(page)
	}
	const record = `"operation":"Portal_ShowCluster"`
	if strings.Contains(w.log.String(), record) {
		t.Error("the request was recorded before its end")
	}
	if r := sre.stay().post("/logout", url.Values{"csrf": {sre.csrf()}}); r.StatusCode >= http.StatusBadRequest {
		t.Fatal(r.Status, r.text)
	}
	if page, more := <-pages; more {
		t.Errorf("after the logout comes %s", page)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		n := 0
		for line := range strings.Lines(w.log.String()) {
			if strings.Contains(line, `"msg":"audit"`) && strings.Contains(line, record) {
				n++
			}
		}
		if n == 1 {
			break
		}
		if n > 1 || time.Now().After(end) {
			t.Fatalf("the audit has %d records of it", n)
		}
	}
	if r := w.browser().stay().get(w.cluster, "Accept", "text/event-stream", "Sec-Fetch-Mode", "cors"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger gets %s", r.Status)
	}
}

package cosmos_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
)

// counter counts what comes and goes for documents.
type counter struct {
	mu sync.Mutex
	// requests, and bytes sent and received with headers.
	requests, sent, received int
	// matched are the documents in answers to queries.
	matched int
	queries []string
}

func (c *counter) Do(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/docs") {
		return http.DefaultClient.Do(r)
	}
	var request []byte
	if r.Body != nil {
		var err error
		if request, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(request))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	dumped, err := httputil.DumpResponse(answer, true)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests, c.sent, c.received = c.requests+1, c.sent+len(request), c.received+len(dumped)
	if r.Header.Get("x-ms-documentdb-query") != "" {
		var page struct{ Documents []json.RawMessage }
		_ = json.Unmarshal(body, &page)
		c.matched += len(page.Documents)
		c.queries = append(c.queries, string(request))
	}
	return answer, nil
}

func (c *counter) reset() { *c = counter{} }

// TestWritesAreAnsweredWithoutTheDocument, which the writer has.
func TestWritesAreAnsweredWithoutTheDocument(t *testing.T) {
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	must(t, err)
	var c counter
	s := store.New(startAccount(t).open(t, &c), keys)
	doc := document("a")
	secret := make([]byte, 16<<10) // that nothing compresses
	for i := range secret {
		secret[i] = byte(rand.IntN(94) + 33)
	}
	doc.Cluster.Internal.AdminKubeconfig = model.Secret(secret)
	must(t, s.Clusters.Create(t.Context(), doc))
	doc.Due = store.Due(time.Hour)
	lease, err := s.Clusters.Claim(t.Context(), doc, "w", time.Minute)
	must(t, err)
	const writes = 20
	c.reset()
	for range writes {
		must(t, lease.Save(t.Context(), count))
	}
	t.Logf("%d replaces: %d requests, %d bytes sent and %d received each", writes, c.requests, c.sent/writes, c.received/writes)
	if c.requests != writes || 10*c.received > c.sent {
		t.Errorf("%d requests, %d bytes sent, %d received", c.requests, c.sent, c.received)
	}
	got, err := s.Clusters.Get(t.Context(), "p", "a")
	must(t, err)
	if got.ETag != lease.Doc().ETag {
		t.Errorf("the writer knows the version as %s, the reader as %s", lease.Doc().ETag, got.ETag)
	}
}

// TestWhatIsNotDueIsNotMatched, however much is leased.
func TestWhatIsNotDueIsNotMatched(t *testing.T) {
	const leased = 1000
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	must(t, err)
	var c counter
	s := store.New(startAccount(t).open(t, &c), keys)
	var writers sync.WaitGroup
	for n := range 16 {
		writers.Go(func() {
			for i := n; i < leased; i += 16 {
				doc := document(fmt.Sprint("c", i))
				doc.Due = store.Due(time.Hour)
				if err := s.Clusters.Create(t.Context(), doc); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	due := func(want int) {
		t.Helper()
		docs, _, err := s.Clusters.Due(t.Context(), 10, 10)
		must(t, err)
		if len(docs) != want {
			t.Errorf("%d are due, want %d", len(docs), want)
		}
	}
	due(0) // which also looks for what earlier releases wrote
	c.reset()
	const looks = 5
	for range looks {
		due(0)
	}
	if c.matched != 0 || c.requests != looks {
		t.Errorf("%d looks took %d requests and matched %d documents", looks, c.requests, c.matched)
	}
	for _, q := range c.queries {
		if !strings.Contains(q, `[\"dueAt\"] \u003c= @now`) || strings.Contains(q, "_ts") || strings.Contains(q, "GetCurrentTimestamp") {
			t.Errorf("no index serves %s", q)
		}
	}
	t.Logf("%d looks: %d requests, %d bytes received, %d documents matched", looks, c.requests, c.received, c.matched)
	at := document("at once")
	at.Due = store.Due(0)
	must(t, s.Clusters.Create(t.Context(), at))
	due(1)
}

// TestWhatEarlierReleasesWroteIsFoundWhenItIsDue: earlier releases stored no time.
func TestWhatEarlierReleasesWroteIsFoundWhenItIsDue(t *testing.T) {
	a := startAccount(t)
	o := cosmos.Options{Endpoint: a.endpoint, Key: a.key, Database: "earlier"}
	prepared(t, o)
	key, err := azcosmos.NewKeyCredential(a.key)
	must(t, err)
	client, err := azcosmos.NewClientWithKey(a.endpoint, key, nil)
	must(t, err)
	container, err := client.NewContainer(o.Database, store.Containers()[0].Name)
	must(t, err)
	for id, due := range map[string]float64{"now": 0, "soon": 1, "later": 3600} {
		body := fmt.Sprintf(`{"id":%q,"partition":"p","due":%v,"cluster":{},"keeper":{"tokens":["t"],"managedResourceGroup":%[1]q,"clientIdentity":%[1]q}}`, id, due)
		_, err := container.CreateItem(t.Context(), azcosmos.NewPartitionKeyString("p"), []byte(body), nil)
		must(t, err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(300 * time.Millisecond) {
		k, err := cosmos.Open(t.Context(), o) // it looks for them at its first question
		must(t, err)
		found, err := k.Due(t.Context(), store.Containers()[0], 10, 10)
		must(t, err)
		if len(found) == 2 {
			break
		}
		if len(found) > 2 || time.Now().After(end) {
			t.Fatalf("%d documents are due", len(found))
		}
	}
}

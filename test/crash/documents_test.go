package crash

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
)

// documentsWhole opens the database of the killed processes and compares every
// document with the responses that customers got and with the calls to the control
// planes.
func (f *fleet) documentsWhole(told [][]*story) {
	t := f.t
	t.Helper()
	f.database.whole(t)
	s := f.openStore()
	live := map[string]bool{} // by UID
	keys := map[string]*store.ClusterDocument{}
	for _, doc := range all(t, s.Clusters) {
		live[doc.Cluster.Internal.UID] = true
		keys[doc.ID] = doc
		if c := doc.Cluster; c.Properties.ProvisioningState != "Succeeded" || c.Internal.Operation != nil || doc.Owner != "" || doc.Due != nil {
			t.Errorf("%s rests as %s, operation %v, owner %q, due %v", c.Name, c.Properties.ProvisioningState, c.Internal.Operation != nil, doc.Owner, doc.Due)
		}
	}
	for _, stories := range told {
		for _, story := range stories {
			doc := keys[story.id.Key()]
			if (doc == nil) != story.deleted {
				t.Errorf("%s: deleted %v, document there %v", story.id.Name, story.deleted, doc != nil)
			}
			if doc != nil && doc.Cluster.Tags["patched"] != story.tag {
				t.Errorf("%s: tag %q, acknowledged was %q", story.id.Name, doc.Cluster.Tags["patched"], story.tag)
			}
		}
	}
	for _, r := range f.planes.Records() {
		checkRecord(t, r, live[r.ID])
		delete(live, r.ID)
	}
	for uid := range live {
		t.Errorf("cluster %s has no control plane", uid)
	}
	bills(t, s, keys)
}

// bills proves that every live cluster is billed and no deleted one any more.
func bills(t *testing.T, s *store.Store, clusters map[string]*store.ClusterDocument) {
	t.Helper()
	live := map[string]bool{}
	for _, doc := range clusters {
		live[doc.Cluster.Internal.UID] = true
	}
	for _, bill := range all(t, s.Billing) {
		if ended := bill.Billing.DeletedAt != nil; bill.Billing.CreatedAt == nil || ended == live[bill.ID] {
			t.Errorf("bill of %s: begun %v, ended %v, cluster there %v", bill.Billing.ResourceID, bill.Billing.CreatedAt, bill.Billing.DeletedAt, live[bill.ID])
		}
		delete(live, bill.ID)
	}
	for uid := range live {
		t.Errorf("cluster %s is not billed", uid)
	}
}

// all reads a whole collection.
func all[T any](t *testing.T, c *store.Collection[T]) (docs []*T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q := store.Query{Limit: 100}
	for {
		page, next, err := c.List(ctx, q)
		if err != nil {
			t.Fatalf("a document cannot be read: %v", err)
		}
		docs = append(docs, page...)
		if q.Continuation = next; next == "" {
			return docs
		}
	}
}

// openStore reads the database as the service does.
func (f *fleet) openStore() *store.Store {
	f.t.Helper()
	text, err := os.ReadFile(f.database.keys)
	if err != nil {
		f.t.Fatal(err)
	}
	keys, err := store.ParseKeyring(text)
	if err != nil {
		f.t.Fatal(err)
	}
	driver, err := f.database.open(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	s := store.New(driver, keys)
	f.t.Cleanup(func() { _ = s.Close() })
	return s
}

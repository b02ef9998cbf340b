package portal

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// indexAge is the age of shown data from which the database is queried for changes.
	indexAge = 2 * time.Second
	// indexPatience is how long a page waits for that.
	indexPatience = 3 * time.Second
	// indexTimeout bounds one look, of which the first reads everything.
	indexTimeout = 10 * time.Minute
	// indexSweep is the time between two looks for clusters that are gone.
	indexSweep = 10 * time.Minute
	indexPage  = 500
)

// row is what the page of clusters shows of one.
type row struct {
	Key, Name, ResourceID, Subscription, ResourceGroup string
	State, Failed, Version, Step, ProvisionedBy        string
	Percent                                            int
	Created, Modified                                  time.Time

	// Code is the error code of the last operation, if it failed.
	Code string
	// Kind is that of the running operation, which Owner holds. Since is when its step
	// began; zero if none runs.
	Kind, Owner string
	Lost        int
	Since       time.Time

	words string // in lower case, for filters
}

// index holds a row of every cluster, so that many can be filtered and sorted by any column. It
// follows the changes of the database while it is in use.
type index struct {
	clusters *store.Collection[store.ClusterDocument]
	now      func() time.Time
	log      *slog.Logger

	mu       sync.Mutex
	rows     map[string]*row  // never changed, only replaced
	orders   map[order][]*row // of the rows; forgotten when they change
	mark     string
	looked   time.Time // when the last look ended
	swept    time.Time
	complete bool
	looking  chan struct{} // closed when the running look ends; nil while none runs
}

func newIndex(clusters *store.Collection[store.ClusterDocument], now func() time.Time, log *slog.Logger) *index {
	return &index{clusters: clusters, now: now, log: log, rows: map[string]*row{}}
}

// order is how rows are sorted.
type order struct {
	column     string
	descending bool
}

// all returns every row in an order, and whether all documents were read since the start.
// The caller does not change the rows.
func (i *index) all(ctx context.Context, in order) (rows []*row, complete bool) {
	if done := i.look(ctx); done != nil {
		patience := time.NewTimer(indexPatience)
		defer patience.Stop()
		select {
		case <-done:
		case <-patience.C:
		case <-ctx.Done():
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.orders == nil {
		i.orders = map[order][]*row{}
	}
	if rows = i.orders[in]; rows == nil {
		rows = in.sorted(slices.Collect(maps.Values(i.rows)))
		i.orders[in] = rows
	}
	return rows, i.complete
}

// look begins to look for changes unless the last look is recent. The returned channel is
// closed when what runs ends; it is nil if nothing does.
func (i *index) look(ctx context.Context) <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.looking == nil && i.now().Sub(i.looked) >= indexAge {
		i.looking = make(chan struct{})
		go func() { // it outlives the request that began it
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTimeout)
			defer cancel()
			err := i.follow(ctx)
			if err != nil {
				i.log.WarnContext(ctx, "what clusters there are is not up to date", "error", err)
			}
			i.mu.Lock()
			defer i.mu.Unlock()
			i.looked, i.complete = i.now(), i.complete || err == nil
			close(i.looking)
			i.looking = nil
		}()
	}
	return i.looking
}

// follow reads what was written since the last time, and leaves out what is gone.
func (i *index) follow(ctx context.Context) error {
	for more := true; more; {
		docs, next, another, err := i.clusters.Changes(ctx, i.mark) // no other goroutine uses the mark
		if err != nil {
			return err
		}
		if len(docs) > 0 {
			i.change(func() {
				for _, doc := range docs {
					i.rows[doc.ID] = rowOf(doc)
				}
			})
		}
		i.mark, more = next, another
	}
	if i.swept.IsZero() {
		i.swept = i.now()
	}
	if i.now().Sub(i.swept) >= indexSweep {
		return i.sweep(ctx)
	}
	return i.forgetDeleted(ctx)
}

// forgetDeleted checks the clusters that were being deleted: the database's changes do not include
// deletions.
func (i *index) forgetDeleted(ctx context.Context) error {
	i.mu.Lock()
	var deleting []*row
	for _, r := range i.rows {
		if r.State == string(model.Deleting) {
			deleting = append(deleting, r)
		}
	}
	i.mu.Unlock()
	for _, r := range deleting {
		id, _ := arm.ParseClusterID(r.ResourceID)
		if _, err := i.clusters.View(ctx, id.Partition(), id.Key()); errors.Is(err, store.ErrNotFound) {
			i.forget(r.Key)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// sweep leaves out what is not in the database any more.
func (i *index) sweep(ctx context.Context) error {
	there := map[string]bool{}
	q := store.Query{Limit: indexPage}
	for {
		page, err := i.clusters.Page(ctx, q)
		if err != nil {
			return err
		}
		for _, doc := range page.Documents {
			there[doc.ID] = true
		}
		for _, e := range page.Unreadable {
			there[e.ID] = true
		}
		if q.Continuation = page.Next; q.Continuation == "" {
			break
		}
	}
	i.change(func() { maps.DeleteFunc(i.rows, func(key string, _ *row) bool { return !there[key] }) })
	i.swept = i.now()
	return nil
}

func (i *index) forget(key string) { i.change(func() { delete(i.rows, key) }) }

// change changes the rows.
func (i *index) change(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
	i.orders = nil
}

func rowOf(doc *store.ClusterDocument) *row {
	cl := &doc.Cluster
	id, _ := arm.ParseClusterID(cl.ID)
	r := &row{Key: doc.ID, Name: cl.Name, ResourceID: cl.ID, Subscription: id.SubscriptionID, ResourceGroup: id.ResourceGroup,
		State: string(cl.Properties.ProvisioningState), Failed: string(cl.Internal.FailedProvisioningState), Version: cl.Properties.ClusterProfile.Version,
		ProvisionedBy: cl.Internal.ProvisionedBy, Created: cl.Internal.CreatedAt, Modified: doc.WrittenAt}
	if op := cl.Internal.Operation; op != nil {
		r.Percent, r.Kind, r.Owner, r.Lost, r.Since = op.PercentComplete(), string(op.Kind), doc.Owner, doc.Lost, op.StartedAt
		if op.Current != nil {
			r.Step, r.Since = op.Current.Name, op.Current.StartedAt
		}
	}
	if f := cl.Internal.LastFailure; f != nil {
		r.Code = f.Error.Code
	}
	r.words = arm.ToLower(strings.Join([]string{r.ResourceID, r.Version, r.State, r.Failed, r.Step, r.Code}, " "))
	return r
}

package cosmos

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/aro-rp/aro/store"
)

const (
	// pageSize is the maximum number of documents in one response of the database.
	pageSize = 100
	// overlap is how far Changes looks back, in seconds: the clocks of partitions
	// differ, and a write becomes visible a little later than its time.
	overlap = 5
)

// cosmosQuery is a query in Cosmos DB's SQL with its continuation.
type cosmosQuery struct {
	text       string
	parameters []azcosmos.QueryParameter
	// partition of the query; empty means all.
	partition    string
	continuation string
	size         int
}

// page is one response of the database.
type page struct {
	items [][]byte
	next  string
	// at is the database's time of the response.
	at time.Time
}

func (k *Driver) page(ctx context.Context, c *store.Container, q cosmosQuery) (p page, err error) {
	key := azcosmos.NewPartitionKey()
	if q.partition != "" {
		key = partitionKey(q.partition)
	}
	options := &azcosmos.QueryOptions{QueryParameters: q.parameters, PageSizeHint: int32(q.size)}
	if q.continuation != "" {
		options.ContinuationToken = &q.continuation
	}
	_, err = attempt(ctx, func(ctx context.Context) error {
		answer, err := k.containers[c.Name].NewQueryItemsPager(q.text, key, options).NextPage(ctx)
		if err != nil {
			return err
		}
		p = page{items: answer.Items}
		if answer.ContinuationToken != nil {
			p.next = *answer.ContinuationToken
		}
		p.at, err = http.ParseTime(answer.RawResponse.Header.Get("Date"))
		return err
	})
	return p, err
}

// gather collects up to limit documents from pages that may be short or empty.
func (k *Driver) gather(ctx context.Context, c *store.Container, q cosmosQuery, limit int) (items [][]byte, err error) {
	for {
		p, err := k.page(ctx, c, q)
		if err != nil {
			return nil, err
		}
		items = append(items, p.items...)
		if q.continuation = p.next; p.next == "" || len(items) >= limit {
			return items[:min(limit, len(items))], nil
		}
	}
}

func records(items [][]byte) ([]store.Record, error) {
	rs := make([]store.Record, len(items))
	for i, raw := range items {
		var err error
		if rs[i], err = open(raw); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// place is where a page of List ended. In one partition that is an id, by which the
// database can sort. Over all partitions it is the database's own token.
type place struct {
	Partition string `json:"p,omitempty"`
	Prefix    string `json:"x,omitempty"`
	ID        string `json:"i,omitempty"`
	Token     string `json:"t,omitempty"`
}

func (p place) String() string {
	raw, _ := json.Marshal(p) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(raw)
}

// parsePlace rejects continuations that are not of a page of q.
func parsePlace(q store.Query) (p place, err error) {
	if q.Continuation == "" {
		return place{Partition: q.Partition, Prefix: q.Prefix}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.Continuation)
	if err != nil {
		return place{}, store.ErrBadContinuation
	}
	if err := json.Unmarshal(raw, &p); err != nil || p.Partition != q.Partition || p.Prefix != q.Prefix {
		return place{}, store.ErrBadContinuation
	}
	return p, nil
}

// List implements store.Driver.
func (k *Driver) List(ctx context.Context, c *store.Container, q store.Query) ([]store.Record, string, error) {
	at, err := parsePlace(q)
	if err != nil {
		return nil, "", err
	}
	if q.Partition == "" {
		return k.listAll(ctx, c, q, at)
	}
	items, err := k.gather(ctx, c, cosmosQuery{
		text: `SELECT * FROM c WHERE c["partition"] = @partition AND STARTSWITH(c.id, @prefix) AND c.id > @after ORDER BY c.id`,
		parameters: []azcosmos.QueryParameter{
			{Name: "@partition", Value: q.Partition}, {Name: "@prefix", Value: q.Prefix}, {Name: "@after", Value: at.ID},
		},
		partition: q.Partition,
		size:      q.Limit + 1,
	}, q.Limit+1)
	if err != nil {
		return nil, "", err
	}
	rs, err := records(items)
	if err != nil || len(rs) <= q.Limit {
		return rs, "", err
	}
	rs = rs[:q.Limit]
	at.ID = rs[q.Limit-1].ID
	return rs, at.String(), nil
}

func (k *Driver) listAll(ctx context.Context, c *store.Container, q store.Query, at place) ([]store.Record, string, error) {
	p, err := k.page(ctx, c, cosmosQuery{
		text:         `SELECT * FROM c WHERE STARTSWITH(c.id, @prefix)`,
		parameters:   []azcosmos.QueryParameter{{Name: "@prefix", Value: q.Prefix}},
		continuation: at.Token,
		size:         q.Limit,
	})
	if err != nil {
		return nil, "", err
	}
	rs, err := records(p.items)
	if at.Token = p.next; err != nil || p.next == "" {
		return rs, "", err
	}
	return rs, at.String(), nil
}

// dueQuery compares with a constant time, which uses the index. The database's own
// time function would not.
const dueQuery = `SELECT * FROM c WHERE c["` + envelopeMember + `"]["` + dueAtMember + `"] <= @now`

// undatedQuery finds due documents of earlier releases, which stored no time. The time
// of a write has a resolution of one second: what is not due at once waits until that
// second is over, so that no lease ends early.
const undatedQuery = `SELECT * FROM c WHERE IS_NUMBER(c.due) AND NOT IS_DEFINED(c["` + envelopeMember + `"]["` + dueAtMember + `"]) AND
	(c.due <= 0 OR c._ts + 1 + c.due <= @now)`

// How often they are searched, without an index: often while leases of an earlier
// release expire, then rarely.
const (
	undatedOften  = 30 * time.Second
	undatedFirst  = 15 * time.Minute
	undatedSeldom = 15 * time.Minute
)

// Due implements store.Driver. The database cannot sort over partitions, so the
// order is undefined.
func (k *Driver) Due(ctx context.Context, c *store.Container, perPartition, limit int) ([]store.Record, error) {
	now, _, known := k.clock.bounds()
	if !known {
		if err := k.Ping(ctx); err != nil {
			return nil, err
		}
		now, _, _ = k.clock.bounds()
	}
	picked := &selection{perPartition: perPartition, limit: limit, share: map[string]int{}}
	queries := []string{dueQuery}
	if k.undatedDue(c) {
		queries = append(queries, undatedQuery)
	}
	for _, text := range queries {
		q := cosmosQuery{text: text, size: pageSize, parameters: []azcosmos.QueryParameter{{Name: "@now", Value: now}}}
		if err := k.pick(ctx, c, q, picked); err != nil {
			return nil, err
		}
	}
	return picked.records, nil
}

// undatedDue reports whether it is time for undatedQuery, and records the time.
func (k *Driver) undatedDue(c *store.Container) bool {
	now, every := time.Now(), undatedSeldom
	if now.Sub(k.clock.begun) < undatedFirst {
		every = undatedOften
	}
	last, found := k.undated.Load(c.Name)
	if found && now.Sub(last.(time.Time)) < every {
		return false
	}
	k.undated.Store(c.Name, now)
	return true
}

// selection is a part of the due documents, distributed over partitions.
type selection struct {
	perPartition, limit int
	share               map[string]int
	records             []store.Record
}

func (s *selection) full() bool { return len(s.records) == s.limit }

func (s *selection) offer(r store.Record) {
	if s.share[r.Partition] < s.perPartition && !s.full() {
		s.share[r.Partition]++
		s.records = append(s.records, r)
	}
}

func (k *Driver) pick(ctx context.Context, c *store.Container, q cosmosQuery, into *selection) error {
	for !into.full() {
		p, err := k.page(ctx, c, q)
		if err != nil {
			return err
		}
		rs, err := records(p.items)
		if err != nil {
			return err
		}
		for _, r := range rs {
			into.offer(r)
		}
		if q.continuation = p.next; p.next == "" {
			return nil
		}
	}
	return nil
}

// mark is the position of a reader of Changes: it has everything before Since and,
// while Token is set, continues with what follows; Next is its position after that.
type mark struct {
	Since int64  `json:"s"`
	Next  int64  `json:"n,omitempty"`
	Token string `json:"t,omitempty"`
}

// Changes implements store.Driver. Documents written in the last seconds before a
// mark are returned again.
func (k *Driver) Changes(ctx context.Context, c *store.Container, after string) (found []store.Record, next string, more bool, err error) {
	var m mark
	if after != "" {
		if err := json.Unmarshal([]byte(after), &m); err != nil {
			return nil, "", false, store.ErrBadContinuation
		}
	}
	p, err := k.page(ctx, c, cosmosQuery{
		text:         `SELECT * FROM c WHERE c._ts >= @since`,
		parameters:   []azcosmos.QueryParameter{{Name: "@since", Value: m.Since}},
		continuation: m.Token,
		size:         pageSize,
	})
	if err != nil {
		return nil, "", false, err
	}
	if m.Token == "" { // a new round: it includes everything older than its first response
		m.Next = p.at.Unix() - overlap
	}
	if m.Token = p.next; m.Token == "" {
		m = mark{Since: max(m.Since, m.Next)}
	}
	if found, err = records(p.items); err != nil {
		return nil, "", false, err
	}
	text, err := json.Marshal(m)
	return found, string(text), m.Token != "", err
}

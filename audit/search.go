package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// Kept is how long records are kept.
	Kept = store.AuditTTL
	// pageRecords is how many matching records end a page, and pageTime how long a page is searched for.
	pageRecords = 100
	pageTime    = 2 * time.Second
	// listed is how many documents are read at a time.
	listed = 20
	// hour is the layout of a continuation's hour.
	hour = "2006-01-02T15"
)

// Query selects records. Texts match without regard to case; empty ones match all.
type Query struct {
	// Who is part of the user's or the certificate's name; What of the operation, the method or the subject;
	// Cluster of the path.
	Who, What, Cluster string
	// Outcome is Succeeded or Failed.
	Outcome string
	// ID is the id of the request, its correlation or its operation.
	ID string
	// Changes leaves out requests that only read, and dry runs.
	Changes bool
	// From and To bound the time.
	From, To time.Time
}

// Page is a page of records, the newest first. A page may be empty and have a next one.
type Page struct {
	Records []model.AuditRecord
	// Next is the continuation, empty at the end; Reached is the time down to which was searched.
	Next    string
	Reached time.Time
}

// Search returns the records that match, from the newest on, or from where next says.
func Search(ctx context.Context, documents *store.Collection[store.AuditDocument], q Query, next string, now func() time.Time) (Page, error) {
	q = q.folded()
	began := now()
	at, continuation, err := q.begin(next)
	if err != nil {
		return Page{}, err
	}
	var page Page
	for {
		docs, after, err := documents.List(ctx, store.Query{Partition: store.AuditPartition(at), Continuation: continuation, Limit: listed})
		if err != nil {
			return Page{}, err
		}
		for _, doc := range docs {
			for i := range doc.Records {
				if q.matches(&doc.Records[i]) {
					page.Records = append(page.Records, doc.Records[i])
				}
			}
		}
		page.Reached = at
		if continuation = after; after == "" {
			at = at.Add(-time.Hour)
		}
		if !at.Add(time.Hour).After(q.From) {
			page.Reached = q.From
			break
		}
		if len(page.Records) >= pageRecords || now().Sub(began) > pageTime {
			page.Next = at.Format(hour) + " " + continuation
			break
		}
	}
	slices.SortStableFunc(page.Records, func(a, b model.AuditRecord) int { return b.At.Compare(a.At) })
	return page, nil
}

// folded is the query as matches needs it.
func (q Query) folded() Query {
	q.Who, q.What, q.Cluster, q.ID = arm.ToLower(q.Who), arm.ToLower(q.What), arm.ToLower(q.Cluster), arm.ToLower(q.ID)
	return q
}

// begin returns the hour to begin with, and where in it.
func (q Query) begin(next string) (at time.Time, continuation string, err error) {
	if next == "" {
		return q.To.UTC().Truncate(time.Hour), "", nil
	}
	text, continuation, _ := strings.Cut(next, " ")
	at, err = time.Parse(hour, text)
	if err != nil || at.After(q.To) || at.Add(time.Hour).Before(q.From) {
		return at, "", fmt.Errorf("%w: it is for another search", store.ErrBadContinuation)
	}
	return at, continuation, nil
}

func (q Query) matches(r *model.AuditRecord) bool {
	has := func(part string, in ...string) bool {
		return part == "" || slices.ContainsFunc(in, func(text string) bool { return strings.Contains(arm.ToLower(text), part) })
	}
	is := func(id string, of ...string) bool {
		return id == "" || slices.ContainsFunc(of, func(text string) bool { return arm.ToLower(text) == id })
	}
	return !r.At.Before(q.From) && !r.At.After(q.To) &&
		has(q.Who, r.Principal, r.Certificate) && has(q.What, r.Operation, r.Method, r.Subject) && has(q.Cluster, r.Path) &&
		(q.Outcome == "" || r.Outcome == q.Outcome) && is(q.ID, r.RequestID, r.CorrelationID, r.OperationID) &&
		(!q.Changes || !r.DryRun && changes(r))
}

// changes reports whether a request may change something. Requests to a cluster's API server say
// so by their verb.
func changes(r *model.AuditRecord) bool {
	if r.Method != "GET" && r.Method != "HEAD" {
		return true
	}
	verb, _, _ := strings.Cut(r.Subject, " ")
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, verb)
}

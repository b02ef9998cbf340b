package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
)

// UnreadableError is about a document that exists and cannot be read. It contains
// nothing of the document's content.
type UnreadableError struct {
	// Container, Partition and ID are its place.
	Container, Partition, ID string
	// Reason is for engineers: the path of a member and what is wrong with it.
	Reason string

	keyMissing bool
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s %s: the document cannot be read: %s", e.Container, e.ID, e.Reason)
}

// Sighting is the kind of read that found an unreadable document.
type Sighting string

// The sightings. Only DueSighting postpones the document.
const (
	DueSighting    Sighting = "due"
	ListSighting   Sighting = "list"
	ReadSighting   Sighting = "read"
	ChangeSighting Sighting = "change"
)

// A due document that cannot be read is postponed by at least firstAside, and twice
// as long each time, up to longestAside.
const (
	firstAside   = time.Minute
	longestAside = 10 * time.Minute
)

// asideFor returns how long to postpone a document whose due was that many seconds.
func asideFor(due float64) time.Duration {
	if !(due > 0) { // includes NaN
		return firstAside
	}
	if due >= longestAside.Seconds() {
		return longestAside
	}
	return min(max(firstAside, 2*time.Duration(due*float64(time.Second))), longestAside)
}

// asideOf reads the member due of a document with any content.
func asideOf(body []byte) time.Duration {
	var members struct {
		Due json.RawMessage `json:"due"`
	}
	var due float64
	if json.Unmarshal(body, &members) != nil || json.Unmarshal(members.Due, &due) != nil {
		return firstAside
	}
	return asideFor(due)
}

// unreadable describes why a record cannot be decoded into doc.
func (c *Collection[T]) unreadable(r Record, err error) *UnreadableError {
	e := &UnreadableError{Container: c.container.Name, Partition: r.Partition, ID: r.ID}
	var sealed *sealError
	switch {
	case errors.As(err, &sealed):
		e.Reason, e.keyMissing = sealed.Error(), errors.Is(err, errKeyMissing)
	case errors.Is(err, errMisplaced):
		e.Reason = errMisplaced.Error()
	case errors.Is(err, errNotSealed):
		e.Reason = errNotSealed.Error()
	default:
		e.Reason = fault(r.Body, new(T))
	}
	return e
}

// errMisplaced means that a document was copied from another place.
var errMisplaced = errors.New("its members id and partition are not those of its place")

// fault returns what does not match the type, because the codec's error contains
// the value.
func fault(body []byte, doc any) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var at *time.ParseError
	switch err := json.Unmarshal(body, doc); {
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is not valid JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		is, _, _ := strings.Cut(kind.Value, " ") // "number 17" contains the number
		return fmt.Sprintf("%s is a JSON %s and should be %s", orWhole(kind.Field), is, jsonKind(kind.Type))
	case errors.As(err, &at):
		return "a time is not in the form of RFC 3339"
	}
	return "a member has a form that this release does not read"
}

func orWhole(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	}
	return "a number in range"
}

// unreadableRecord is a record and why it cannot be read.
type unreadableRecord struct {
	record Record
	*UnreadableError
}

// setAside postpones due documents that cannot be read, so that they do not block
// others. Only their due time changes. An error means that this process has the wrong
// keys and must leave such documents to others.
func (c *Collection[T]) setAside(ctx context.Context, all []unreadableRecord) error {
	for _, s := range all {
		if s.keyMissing {
			// Others may be able to read it, if this process has the wrong keys.
			if err := c.documents.keysFail(ctx); err != nil {
				return c.name(s.record.ID, err)
			}
			break
		}
	}
	var writes sync.WaitGroup // concurrently: a database may combine them in one transaction
	for _, s := range all {
		writes.Go(func() {
			_, err := c.driver.Postpone(ctx, c.container, s.record, asideOf(s.record.Body))
			if err != nil && !errors.Is(err, ErrPreconditionFailed) && !errors.Is(err, ErrNotFound) {
				s.Reason += "; it could not be set aside: " + err.Error()
			}
		})
	}
	writes.Wait()
	for _, s := range all {
		c.documents.observe(ctx, DueSighting, s.UnreadableError)
	}
	return nil
}

// ErrReadable means that there is nothing to repair.
var ErrReadable = errors.New("the document can be read")

// Repairer finds and repairs the documents of a collection that cannot be read.
type Repairer interface {
	// Unreadable returns those documents of one page that cannot be read, and the
	// continuation of the next page.
	Unreadable(ctx context.Context, q Query) ([]*UnreadableError, string, error)
	// Repair changes the stored JSON of a document that cannot be read. If the result
	// cannot be read either, it is not written and the error is an UnreadableError.
	Repair(ctx context.Context, partition, id string, change func(body []byte) ([]byte, error)) error
	// Remove removes a document that cannot be read.
	Remove(ctx context.Context, partition, id string) error
}

// Repairer returns the Repairer of a container by its name, in any case; false if
// there is none.
func (s *Store) Repairer(container string) (Repairer, bool) {
	for c, collection := range map[*Container]Repairer{
		&clustersContainer: s.Clusters, &operationsContainer: s.Operations, &subscriptionsContainer: s.Subscriptions,
		&versionsContainer: s.Versions, &roleSetsContainer: s.RoleSets, &billingContainer: s.Billing, &probesContainer: s.probes, &poolWorkersContainer: s.PoolWorkers, &resultsContainer: s.MonitorResults, &historyContainer: s.History, &auditContainer: s.Audit,
	} {
		if arm.EqualFold(c.Name, container) {
			return collection, true
		}
	}
	return nil, false
}

// Inspect is Page, but a document also counts as unreadable if one of its secrets
// cannot be decrypted.
func (c *Collection[T]) Inspect(ctx context.Context, q Query) (Page[T], error) {
	q.Secrets = true
	return c.page(ctx, q, func(r Record) (*T, *UnreadableError) {
		if _, err := c.decoded(r); err != nil {
			return nil, err
		}
		return c.viewed(r)
	})
}

// Unreadable implements Repairer.
func (c *Collection[T]) Unreadable(ctx context.Context, q Query) ([]*UnreadableError, string, error) {
	page, err := c.Inspect(ctx, q)
	return page.Unreadable, page.Next, err
}

// Repair implements Repairer. If the document has work it is due at once.
func (c *Collection[T]) Repair(ctx context.Context, partition, id string, change func(body []byte) ([]byte, error)) error {
	r, err := c.readUnreadable(ctx, partition, id)
	if err != nil {
		return err
	}
	if r.Body, err = change(r.Body); err != nil {
		return err
	}
	doc, unreadable := c.decoded(r)
	if unreadable != nil {
		return unreadable
	}
	if m := metaOf(doc); m.Due != nil {
		m.Due = Due(0)
	}
	_, err = c.replace(ctx, doc)
	return err
}

// Remove implements Repairer.
func (c *Collection[T]) Remove(ctx context.Context, partition, id string) error {
	r, err := c.readUnreadable(ctx, partition, id)
	if err != nil {
		return err
	}
	return c.name(id, c.driver.Delete(ctx, c.container, partition, id, r.ETag))
}

// readUnreadable reads the record of a document that cannot be read.
func (c *Collection[T]) readUnreadable(ctx context.Context, partition, id string) (Record, error) {
	r, err := c.driver.Read(ctx, c.container, partition, id)
	if err != nil {
		return Record{}, c.name(id, err)
	}
	if _, unreadable := c.decoded(r); unreadable == nil {
		return Record{}, c.name(id, ErrReadable)
	}
	return r, nil
}

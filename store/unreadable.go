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

// UnreadableError is about a document that is there and cannot be read. It never
// holds anything of the document's content.
type UnreadableError struct {
	// Container, Partition and ID are where it is.
	Container, Partition, ID string
	// Reason is why, in words for engineers: the path of a member and what is wrong with it.
	Reason string

	keyMissing bool
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s %s: the document cannot be read: %s", e.Container, e.ID, e.Reason)
}

// Sighting is where an unreadable document was met.
type Sighting string

// The sightings. DueSighting alone sets the document aside.
const (
	DueSighting    Sighting = "due"
	ListSighting   Sighting = "list"
	ReadSighting   Sighting = "read"
	ChangeSighting Sighting = "change"
)

// A document that is due and cannot be read is pushed back by at least firstAside,
// and twice as long each time, up to longestAside.
const (
	firstAside   = time.Minute
	longestAside = 10 * time.Minute
)

// asideFor is how long to push a document back whose due was that many seconds.
func asideFor(due float64) time.Duration {
	if !(due > 0) { // also what is no number
		return firstAside
	}
	if due >= longestAside.Seconds() {
		return longestAside
	}
	return min(max(firstAside, 2*time.Duration(due*float64(time.Second))), longestAside)
}

// asideOf reads the member due of a document that might be anything.
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

// unreadable describes what is wrong with a record that cannot be decoded into doc.
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

// errMisplaced means that a document was copied from elsewhere.
var errMisplaced = errors.New("its members id and partition are not those of its place")

// fault finds out what does not fit, for the codec says it with the value.
func fault(body []byte, doc any) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var at *time.ParseError
	switch err := json.Unmarshal(body, doc); {
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is not valid JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		is, _, _ := strings.Cut(kind.Value, " ") // "number 17" tells the number
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

// sick is a record and why it cannot be read.
type sick struct {
	record Record
	*UnreadableError
}

// setAside pushes back documents that are due and cannot be read, so that they do
// not stand before those that can. Nothing of them changes but when they are due. The
// error is about this process, which must leave such documents to others then.
func (c *Collection[T]) setAside(ctx context.Context, all []sick) error {
	for _, s := range all {
		if s.keyMissing {
			// Others may well read it, if it is this process that has the wrong keys.
			if err := c.documents.keysFail(ctx); err != nil {
				return c.name(s.record.ID, err)
			}
			break
		}
	}
	var writes sync.WaitGroup // at once: a database may put them into one transaction
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

// Infirmary is a collection as it looks to those who repair what cannot be read.
type Infirmary interface {
	// Unreadable returns those documents of one page that cannot be read, and the
	// continuation of the next page.
	Unreadable(ctx context.Context, q Query) ([]*UnreadableError, string, error)
	// Repair changes the stored JSON of a document that cannot be read. What cannot be
	// read after that is not written; the error is an UnreadableError then.
	Repair(ctx context.Context, partition, id string, change func(body []byte) ([]byte, error)) error
	// Remove removes a document that cannot be read.
	Remove(ctx context.Context, partition, id string) error
}

// Infirmary finds a container by its name, in any case; false if there is none.
func (s *Store) Infirmary(container string) (Infirmary, bool) {
	for c, collection := range map[*Container]Infirmary{
		&clustersContainer: s.Clusters, &operationsContainer: s.Operations, &subscriptionsContainer: s.Subscriptions,
		&versionsContainer: s.Versions, &roleSetsContainer: s.RoleSets, &billingContainer: s.Billing, &probesContainer: s.probes, &poolWorkersContainer: s.PoolWorkers,
	} {
		if arm.EqualFold(c.Name, container) {
			return collection, true
		}
	}
	return nil, false
}

// Inspect is Page but that a document counts as unreadable also if one of its
// secrets cannot be opened.
func (c *Collection[T]) Inspect(ctx context.Context, q Query) (Page[T], error) {
	q.Secrets = true
	return c.page(ctx, q, func(r Record) (*T, *UnreadableError) {
		if _, err := c.decoded(r); err != nil {
			return nil, err
		}
		return c.viewed(r)
	})
}

// Unreadable implements Infirmary.
func (c *Collection[T]) Unreadable(ctx context.Context, q Query) ([]*UnreadableError, string, error) {
	page, err := c.Inspect(ctx, q)
	return page.Unreadable, page.Next, err
}

// Repair implements Infirmary. If work waits in the document it is due at once.
func (c *Collection[T]) Repair(ctx context.Context, partition, id string, change func(body []byte) ([]byte, error)) error {
	r, err := c.readSick(ctx, partition, id)
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

// Remove implements Infirmary.
func (c *Collection[T]) Remove(ctx context.Context, partition, id string) error {
	r, err := c.readSick(ctx, partition, id)
	if err != nil {
		return err
	}
	return c.name(id, c.driver.Delete(ctx, c.container, partition, id, r.ETag))
}

// readSick reads the record of a document that cannot be read.
func (c *Collection[T]) readSick(ctx context.Context, partition, id string) (Record, error) {
	r, err := c.driver.Read(ctx, c.container, partition, id)
	if err != nil {
		return Record{}, c.name(id, err)
	}
	if _, unreadable := c.decoded(r); unreadable == nil {
		return Record{}, c.name(id, ErrReadable)
	}
	return r, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// errView indicates a bug: a view would be written without its secrets.
var errView = errors.New("a document that was only viewed cannot be written")

// ErrUnchanged is returned by a change function if there is nothing to write.
var ErrUnchanged = errors.New("nothing to change")

// Collection is the documents of one type. T embeds Meta.
type Collection[T any] struct {
	driver    Driver
	documents *documents
	container *Container
}

func newCollection[T any](k Driver, d *documents, c *Container) *Collection[T] {
	return &Collection[T]{driver: k, documents: d, container: c}
}

func (m *Meta) meta() *Meta { return m }

// metaOf returns the Meta that every document embeds.
func metaOf[T any](doc *T) *Meta { return any(doc).(interface{ meta() *Meta }).meta() }

// Create writes a new document and sets its ETag and WrittenAt, or returns a
// ConflictError.
func (c *Collection[T]) Create(ctx context.Context, doc *T) error {
	metaOf(doc).sealing = sealing{} // the document may have been read elsewhere
	r, err := c.encode(doc)
	if err != nil {
		return err
	}
	written, err := c.driver.Create(ctx, c.container, r)
	if err != nil {
		return c.name(r.ID, err)
	}
	stamp(doc, written)
	return nil
}

// Get returns ErrNotFound if the document does not exist.
func (c *Collection[T]) Get(ctx context.Context, partition, id string) (*T, error) {
	r, err := c.driver.Read(ctx, c.container, partition, id)
	if err != nil {
		return nil, c.name(id, err)
	}
	return c.decode(ctx, r)
}

// View is Get without secrets and ETag, for a document that is not written. It is
// faster for documents with secrets.
func (c *Collection[T]) View(ctx context.Context, partition, id string) (*T, error) {
	r, err := c.driver.ReadBody(ctx, c.container, partition, id)
	if err != nil {
		return nil, c.name(id, err)
	}
	doc, unreadable := c.viewed(r)
	if unreadable != nil {
		c.documents.observe(ctx, ReadSighting, unreadable)
		return nil, unreadable
	}
	return doc, nil
}

// getClosed is Get with encrypted secrets, unless an earlier release wrote the
// document.
func (c *Collection[T]) getClosed(ctx context.Context, partition, id string) (*T, error) {
	r, err := c.driver.ReadBody(ctx, c.container, partition, id)
	if err != nil {
		return nil, c.name(id, err)
	}
	doc := new(T)
	sealing, err := c.documents.close(r, doc)
	if err != nil || placed(doc, r) != nil {
		return c.Get(ctx, partition, id) // which also returns the error
	}
	r.sealing = sealing
	stamp(doc, r)
	return doc, nil
}

// Update reads the document, changes it and writes it with its ETag, again after
// every concurrent write, and returns the stored document. change may be called
// several times, each time with the newest document. If it returns ErrUnchanged
// nothing is written; any other error is returned unchanged. The members of the
// lease are kept unless change sets them.
func (c *Collection[T]) Update(ctx context.Context, partition, id string, change func(*T) error) (*T, error) {
	return c.update(ctx, func() (*T, error) { return c.Get(ctx, partition, id) }, change)
}

// UpdateSealed is Update for changes that rarely touch secrets. Secrets are not
// decrypted: each has the same placeholder. If change sets secrets, or returns
// ErrSealed because it needs them, it is called again on the document with its
// secrets.
func (c *Collection[T]) UpdateSealed(ctx context.Context, partition, id string, change func(*T) error) (*T, error) {
	doc, err := c.update(ctx, func() (*T, error) { return c.getClosed(ctx, partition, id) }, change)
	if errors.Is(err, ErrSealed) {
		return c.Update(ctx, partition, id, change)
	}
	return doc, err
}

func (c *Collection[T]) update(ctx context.Context, read func() (*T, error), change func(*T) error) (*T, error) {
	var doc *T
	err := RetryOnPreconditionFailed(ctx, func() (err error) {
		if doc, err = read(); err != nil {
			return err
		}
		if err = change(doc); err != nil {
			return err
		}
		_, err = c.replace(ctx, doc)
		return err
	})
	if err != nil && !errors.Is(err, ErrUnchanged) {
		return nil, err
	}
	return doc, nil
}

// maxUpserts bounds how often Upsert changes between creating and replacing.
const maxUpserts = 3

// Upsert is Update that also creates: if the document does not exist, change is
// called with fresh, which has no ETag. A ConflictError is about another document.
func (c *Collection[T]) Upsert(ctx context.Context, partition, id string, fresh func() *T, change func(*T) error) (*T, error) {
	return c.upsert(ctx, id, func() (*T, error) { return c.Get(ctx, partition, id) }, fresh, change)
}

// UpsertSealed is Upsert for changes that rarely touch secrets; see UpdateSealed.
func (c *Collection[T]) UpsertSealed(ctx context.Context, partition, id string, fresh func() *T, change func(*T) error) (*T, error) {
	doc, err := c.upsert(ctx, id, func() (*T, error) { return c.getClosed(ctx, partition, id) }, fresh, change)
	if errors.Is(err, ErrSealed) {
		return c.Upsert(ctx, partition, id, fresh, change)
	}
	return doc, err
}

func (c *Collection[T]) upsert(ctx context.Context, id string, read func() (*T, error), fresh func() *T, change func(*T) error) (*T, error) {
	var doc *T
	var conflict *ConflictError
	creates := 0
	err := RetryOnPreconditionFailed(ctx, func() (err error) {
		doc, err = read()
		absent := errors.Is(err, ErrNotFound)
		switch {
		case absent && conflict != nil && (conflict.UniqueKey != "" || creates == maxUpserts):
			return c.name(id, conflict)
		case absent:
			doc = fresh()
		case err != nil:
			return err
		}
		if err = change(doc); err != nil {
			return err
		}
		if absent {
			creates++
			err = c.Create(ctx, doc)
		} else {
			_, err = c.replace(ctx, doc)
		}
		// It was just created or deleted concurrently.
		if absent && errors.As(err, &conflict) || !absent && errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%w: %w", ErrPreconditionFailed, err)
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrUnchanged) {
		return nil, err
	}
	return doc, nil
}

// Delete removes the document if it still has the ETag that was read; otherwise it
// returns ErrPreconditionFailed or ErrNotFound.
func (c *Collection[T]) Delete(ctx context.Context, doc *T) error {
	m := metaOf(doc)
	if m.ETag == "" {
		return c.name(m.ID, errView)
	}
	return c.name(m.ID, c.driver.Delete(ctx, c.container, m.Partition, m.ID, m.ETag))
}

// Page is one page of a list.
type Page[T any] struct {
	// Documents are views; see View.
	Documents []*T
	// Unreadable are the documents of the page that cannot be read.
	Unreadable []*UnreadableError
	// Next is the continuation of the next page, empty at the end.
	Next string
}

// List returns one page of views, and the continuation of the next, empty at the
// end. It omits documents that cannot be read.
func (c *Collection[T]) List(ctx context.Context, q Query) ([]*T, string, error) {
	page, err := c.Page(ctx, q)
	return page.Documents, page.Next, err
}

// Page is List, but includes the errors of documents that cannot be read.
func (c *Collection[T]) Page(ctx context.Context, q Query) (Page[T], error) {
	return c.page(ctx, q, c.viewed)
}

func (c *Collection[T]) page(ctx context.Context, q Query, read func(Record) (*T, *UnreadableError)) (Page[T], error) {
	records, next, err := c.driver.List(ctx, c.container, q)
	if err != nil {
		return Page[T]{}, c.name("list", err)
	}
	page := Page[T]{Documents: make([]*T, 0, len(records)), Next: next}
	for _, r := range records {
		doc, err := read(r)
		if err != nil {
			c.documents.observe(ctx, ListSighting, err)
			page.Unreadable = append(page.Unreadable, err)
			continue
		}
		page.Documents = append(page.Documents, doc)
	}
	return page, nil
}

// Due returns up to limit documents that can be claimed, and at most perPartition
// of one partition. A document that cannot be read is postponed with a growing
// delay, so that it does not block others. Due returns the number of those: others
// may have been hidden behind them.
func (c *Collection[T]) Due(ctx context.Context, perPartition, limit int) (docs []*T, aside int, err error) {
	records, err := c.driver.Due(ctx, c.container, perPartition, limit)
	if err != nil {
		return nil, 0, c.name("due", err)
	}
	docs = make([]*T, 0, len(records))
	var unreadable []unreadableRecord
	for _, r := range records {
		if doc, err := c.decoded(r); err != nil {
			unreadable = append(unreadable, unreadableRecord{r, err})
		} else {
			docs = append(docs, doc)
		}
	}
	return docs, len(unreadable), c.setAside(ctx, unreadable)
}

// CountDue returns how many documents can be claimed, at most limit. Unlike Due it reads none, so
// that it neither postpones nor counts those that cannot be read.
func (c *Collection[T]) CountDue(ctx context.Context, limit int) (int, error) {
	records, err := c.driver.Due(ctx, c.container, limit, limit)
	if err != nil {
		return 0, c.name("due", err)
	}
	return len(records), nil
}

// Changes returns documents written since the mark, at least once each, and the
// next mark. While there are more, call it again at once. The empty mark is the
// beginning. Deletions, and documents that cannot be read, are not included.
func (c *Collection[T]) Changes(ctx context.Context, mark string) (docs []*T, next string, more bool, err error) {
	records, next, more, err := c.driver.Changes(ctx, c.container, mark)
	if err != nil {
		return nil, "", false, c.name("changes", err)
	}
	docs = make([]*T, 0, len(records))
	for _, r := range records {
		doc, err := c.decoded(r)
		if err != nil {
			c.documents.observe(ctx, ChangeSighting, err)
			continue
		}
		docs = append(docs, doc)
	}
	return docs, next, more, nil
}

// AllChanges calls Changes until there are no more.
func (c *Collection[T]) AllChanges(ctx context.Context, mark string) (all []*T, next string, err error) {
	for next = mark; ; {
		docs, after, more, err := c.Changes(ctx, next)
		if err != nil {
			return nil, "", err
		}
		next = after
		if all = append(all, docs...); !more {
			return all, next, nil
		}
	}
}

// replace writes doc with its ETag and sets the new one.
func (c *Collection[T]) replace(ctx context.Context, doc *T) (Record, error) {
	r, err := c.encode(doc)
	if err != nil {
		return Record{}, err
	}
	if r.ETag == "" {
		return Record{}, c.name(r.ID, errView)
	}
	written, err := c.driver.Replace(ctx, c.container, r)
	if err != nil {
		return Record{}, c.name(r.ID, err)
	}
	stamp(doc, written)
	return written, nil
}

func (c *Collection[T]) encode(doc *T) (Record, error) {
	m := metaOf(doc)
	r := Record{Partition: m.Partition, ID: m.ID, ETag: m.ETag}
	if err := c.documents.encode(c.place(m.Partition, m.ID), doc, m.sealing, &r); err != nil {
		return Record{}, c.name(m.ID, fmt.Errorf("encode: %w", err))
	}
	return r, nil
}

func (c *Collection[T]) place(partition, id string) place {
	return place{container: c.container.Name, partition: partition, id: id}
}

// decode decodes the document that a caller requested.
func (c *Collection[T]) decode(ctx context.Context, r Record) (*T, error) {
	doc, err := c.decoded(r)
	if err != nil {
		c.documents.observe(ctx, ReadSighting, err)
		return nil, err
	}
	return doc, nil
}

func (c *Collection[T]) decoded(r Record) (*T, *UnreadableError) {
	doc := new(T)
	sealing, err := c.documents.decode(c.place(r.Partition, r.ID), r, doc)
	if err == nil {
		err = placed(doc, r)
	}
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	r.sealing = sealing
	stamp(doc, r)
	return doc, nil
}

func (c *Collection[T]) viewed(r Record) (*T, *UnreadableError) {
	doc := new(T)
	err := c.documents.view(r.Body, doc)
	if err == nil {
		err = placed(doc, r)
	}
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	metaOf(doc).WrittenAt = r.WrittenAt
	return doc, nil
}

// placed rejects a document whose id and partition are not those of its place: a
// write would go to another place.
func placed[T any](doc *T, r Record) error {
	if m := metaOf(doc); m.ID != r.ID || m.Partition != r.Partition {
		return errMisplaced
	}
	return nil
}

func stamp[T any](doc *T, r Record) {
	m := metaOf(doc)
	m.ETag, m.WrittenAt, m.sealing = r.ETag, r.WrittenAt, r.sealing
}

// name adds the document to an error; nil stays nil.
func (c *Collection[T]) name(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", c.container.Name, what, err)
}

// The limits of RetryOnPreconditionFailed: a hundred tries, from 1 ms to 64 ms apart.
const (
	conflictTries   = 100
	conflictBackoff = time.Millisecond
	conflictDoubles = 6
)

// RetryOnPreconditionFailed calls try, which reads, changes and writes, again after
// concurrent writes: at most 100 times, with growing random delays, until ctx ends.
func RetryOnPreconditionFailed(ctx context.Context, try func() error) error {
	for n := 0; ; n++ {
		err := try()
		if !errors.Is(err, ErrPreconditionFailed) || n == conflictTries {
			return err
		}
		if err := pause(ctx, rand.N(conflictBackoff<<min(n, conflictDoubles))); err != nil {
			return fmt.Errorf("%w: %w", ErrPreconditionFailed, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Package store keeps the service's documents and hands out the leases under
// which workers change them. It owns the contract with databases (Driver), the
// typed collections on top of it, the codec that seals secrets and carries
// unknown members, and the lease rules.
//
// Drivers live in their own folders (sqlite, cosmos) and are held to the
// contract by storetest. The package has no callers in mind: it knows neither
// HTTP nor plans.
package store

import (
	"context"
	"errors"
	"time"
)

// A driver's answers that callers act on; everything else is a fault of the
// database. Test with errors.Is.
var (
	// ErrNotFound: there is no such document (any more).
	ErrNotFound = errors.New("no such document")
	// ErrPreconditionFailed: the document changed since its ETag was read.
	ErrPreconditionFailed = errors.New("document was changed meanwhile")
	// ErrUnavailable: the database could not answer within its bounded retries.
	// Nothing was written, or what was written is not known. Drivers return it as
	// an UnavailableError.
	ErrUnavailable = errors.New("database unavailable")
	// ErrBadContinuation: the continuation is not one this driver made for this query.
	ErrBadContinuation = errors.New("bad continuation")
)

// ConflictError means that a document with the same id, or with the same value
// at a unique key, exists in the partition.
type ConflictError struct {
	// UniqueKey is the JSON name of the violated unique key; empty for the id
	// or where the database does not tell.
	UniqueKey string
}

func (e *ConflictError) Error() string {
	if e.UniqueKey == "" {
		return "document exists already"
	}
	return "another document has the same " + e.UniqueKey
}

// UnavailableError is an ErrUnavailable with its cause.
type UnavailableError struct {
	// RetryAfter is how long the database asks its callers to wait; 0 if it does not say.
	RetryAfter time.Duration
	Cause      error
}

func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Cause.Error() }

// Unwrap makes it both ErrUnavailable and its cause.
func (e *UnavailableError) Unwrap() []error { return []error{ErrUnavailable, e.Cause} }

// Container is a set of documents of one type, as Cosmos DB knows it. The
// partition key is always the top-level member "partition".
type Container struct {
	// Name in the database.
	Name string
	// UniqueKeys are top-level JSON members that no two documents of one
	// partition share; an absent member is not compared.
	UniqueKeys []string
	// TTL removes documents this long after their last write; 0 keeps them.
	// Whole seconds.
	TTL time.Duration
}

// Record is a document as a driver sees it: JSON with the top-level members
// "id" and "partition", and for work that is due the number "due".
type Record struct {
	Partition string
	// ID is at most 255 bytes, without any of / \ ? # (Cosmos DB's rule).
	ID string
	// ETag is the version that a Replace or Delete must meet.
	ETag string
	// WrittenAt is the database's clock at the last write, to about a second.
	WrittenAt time.Time
	Body      []byte
	// Secrets are the document's secrets, sealed together; nil if it has none. They are
	// no part of the body, so that nobody carries them who does not need them.
	Secrets []byte
	// SecretsKept says to Replace that the secrets are those that are stored. The record
	// has then what was read of them, or nil if they were left out.
	SecretsKept bool

	sealing sealing // the store's, about Secrets
}

// Query selects documents of one container in the order of their ids.
type Query struct {
	// Partition to look in; empty means all, in no particular order of partitions.
	Partition string
	// Prefix that the ids begin with.
	Prefix string
	// Continuation of the page before; empty for the first.
	Continuation string
	// Limit is the most documents of a page, at least 1.
	Limit int
	// Secrets asks for the secrets too; else they may be left out.
	Secrets bool
}

// Driver keeps records in containers: Cosmos DB's model. Every write is atomic
// and durable when the method returns nil. Every method gives up when ctx ends,
// and returns ErrUnavailable after bounded retries of a database that cannot
// answer. Implementations are safe for concurrent use, also by several processes.
type Driver interface {
	Reader
	// Create writes a new document and returns it with its ETag and time, or a ConflictError.
	Create(ctx context.Context, c *Container, r Record) (Record, error)
	// Replace writes r if r.ETag is current, else returns ErrPreconditionFailed,
	// ErrNotFound or a ConflictError.
	Replace(ctx context.Context, c *Container, r Record) (Record, error)
	// Delete removes the document if etag is current, else returns
	// ErrPreconditionFailed or ErrNotFound.
	Delete(ctx context.Context, c *Container, partition, id, etag string) error
	// Postpone makes a document due after that time from now, if r.ETag is current,
	// and changes nothing else in it, whatever its body is; else it returns
	// ErrPreconditionFailed or ErrNotFound. It costs little where the document had
	// that delay before, and it is not over: that is how leases are renewed. The record
	// has the ETag that is current then; it may be the one before.
	Postpone(ctx context.Context, c *Container, r Record, after time.Duration) (Record, error)
	// Ping answers whether the database can be read and written at the moment.
	Ping(ctx context.Context) error
	Close() error
}

// Reader is how a Driver reads.
type Reader interface {
	// Read returns ErrNotFound if there is no such document.
	Read(ctx context.Context, c *Container, partition, id string) (Record, error)
	// ReadBody is Read but that the secrets may be left out.
	ReadBody(ctx context.Context, c *Container, partition, id string) (Record, error)
	// List returns one page and the continuation of the next, empty at the end. A
	// document that exists during the whole walk is returned exactly once (G08).
	List(ctx context.Context, c *Container, q Query) ([]Record, string, error)
	// Due returns up to limit documents whose member "due" (seconds) has passed
	// since their last write by the database's clock, the longest due first where
	// the database can tell, and no more than perPartition of one partition.
	Due(ctx context.Context, c *Container, perPartition, limit int) ([]Record, error)
	// Changes returns documents written since the mark, at least once each, and the
	// next mark; a bounded number, so ask again at once while there are more. The empty
	// mark starts at the beginning. Deletions are not told.
	Changes(ctx context.Context, c *Container, mark string) (records []Record, next string, more bool, err error)
}

// Package store stores the service's documents and manages the leases under which
// workers change them. It defines the contract with databases (Driver), the typed
// collections, the codec that encrypts secrets and keeps unknown members, and the
// rules of leases.
//
// Drivers are in their own folders (sqlite, cosmos) and are tested against the
// contract by storetest. The package knows neither HTTP nor plans.
package store

import (
	"context"
	"errors"
	"time"
)

// The errors of a driver that callers handle; any other error is a failure of the
// database. Test with errors.Is.
var (
	// ErrNotFound means that the document does not exist.
	ErrNotFound = errors.New("no such document")
	// ErrPreconditionFailed means that the document changed since its ETag was
	// read.
	ErrPreconditionFailed = errors.New("document was changed concurrently")
	// ErrUnavailable means that the database did not respond within the retries.
	// Nothing was written, or the outcome is unknown. Drivers return it as an
	// UnavailableError.
	ErrUnavailable = errors.New("database unavailable")
	// ErrBadContinuation means that the continuation is not one of this driver for
	// this query.
	ErrBadContinuation = errors.New("bad continuation")
)

// ConflictError means that a document with the same id, or with the same value
// at a unique key, exists in the partition.
type ConflictError struct {
	// UniqueKey is the JSON name of the violated unique key; empty for the id or
	// if it is not known.
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
	// RetryAfter is how long callers should wait; 0 if the database does not say.
	RetryAfter time.Duration
	Cause      error
}

func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Cause.Error() }

// Unwrap returns both ErrUnavailable and the cause.
func (e *UnavailableError) Unwrap() []error { return []error{ErrUnavailable, e.Cause} }

// Container is a set of documents of one type, as in Cosmos DB. The partition key
// is always the top-level member "partition".
type Container struct {
	// Name in the database.
	Name string
	// UniqueKeys are top-level JSON members whose values are unique in a
	// partition; absent members are not compared.
	UniqueKeys []string
	// TTL is the time after their last write when documents are removed, in whole
	// seconds; 0 keeps them.
	TTL time.Duration
}

// Record is a document for a driver: JSON with the top-level members "id" and
// "partition", and the number "due" if there is work.
type Record struct {
	Partition string
	// ID is at most 255 bytes, without any of / \ ? # (Cosmos DB's rule).
	ID string
	// ETag is the version that a Replace or Delete must match.
	ETag string
	// WrittenAt is the database's clock at the last write, to about a second.
	WrittenAt time.Time
	Body      []byte
	// Secrets are the document's secrets, encrypted together; nil if it has none. They
	// are not in the body, so that reads without secrets are small.
	Secrets []byte
	// SecretsKept makes Replace keep the stored secrets. Secrets then has what was read
	// of them, or nil if they were omitted.
	SecretsKept bool

	sealing sealing // the store's encryption state of Secrets
}

// Query selects documents of one container, sorted by id.
type Query struct {
	// Partition of the documents; empty means all, in no particular order of
	// partitions.
	Partition string
	// Prefix of the ids.
	Prefix string
	// Continuation of the previous page; empty for the first.
	Continuation string
	// Limit is the maximum number of documents of a page, at least 1.
	Limit int
	// Secrets includes the secrets; otherwise they may be omitted.
	Secrets bool
}

// Driver stores records in containers, like Cosmos DB. Every write is atomic, and
// durable when the method returns nil. Every method returns when ctx ends, and
// returns ErrUnavailable after bounded retries of a database that does not respond.
// Implementations are safe for concurrent use, also by several processes.
type Driver interface {
	Reader
	// Create writes a new document and returns it with its ETag and time, or a
	// ConflictError.
	Create(ctx context.Context, c *Container, r Record) (Record, error)
	// Replace writes r if r.ETag is current; otherwise it returns
	// ErrPreconditionFailed, ErrNotFound or a ConflictError.
	Replace(ctx context.Context, c *Container, r Record) (Record, error)
	// Delete removes the document if etag is current; otherwise it returns
	// ErrPreconditionFailed or ErrNotFound.
	Delete(ctx context.Context, c *Container, partition, id, etag string) error
	// Postpone makes a document due after that time from now, if r.ETag is current,
	// and changes nothing else in it, even if its body is invalid; otherwise it
	// returns ErrPreconditionFailed or ErrNotFound. It is cheap if the document has
	// that delay and it is not over: that is how leases are renewed. The returned
	// record has the current ETag, which may be the previous one.
	Postpone(ctx context.Context, c *Container, r Record, after time.Duration) (Record, error)
	// Ping checks that the database can be read and written.
	Ping(ctx context.Context) error
	Close() error
}

// Reader has the read methods of a Driver.
type Reader interface {
	// Read returns ErrNotFound if the document does not exist.
	Read(ctx context.Context, c *Container, partition, id string) (Record, error)
	// ReadBody is Read, but may omit the secrets.
	ReadBody(ctx context.Context, c *Container, partition, id string) (Record, error)
	// List returns one page and the continuation of the next, empty at the end. A
	// document that exists during the whole walk is returned exactly once (G08).
	List(ctx context.Context, c *Container, q Query) ([]Record, string, error)
	// Due returns up to limit documents for which the number of seconds in the
	// member "due" has passed since their last write by the database's clock, and
	// at most perPartition of one partition. The longest due come first if the
	// database can sort them.
	Due(ctx context.Context, c *Container, perPartition, limit int) ([]Record, error)
	// Changes returns documents written since the mark, at least once each, and the
	// next mark. Their number is bounded: call it again at once while there are more.
	// The empty mark is the beginning. Deletions are not included.
	Changes(ctx context.Context, c *Container, mark string) (records []Record, next string, more bool, err error)
}

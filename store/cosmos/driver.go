// Package cosmos stores documents in Azure Cosmos DB (NoSQL API), for production.
// Times are those of the database's clock.
//
// The official client has no change feed and no cross-partition order, triggers and
// stored procedures, so the package does not use them. It knows containers and
// records and does not interpret documents.
package cosmos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/aro-rp/aro/store"
)

// Options configure the connection. Exactly one of Credential and Key is set.
type Options struct {
	// Endpoint of the account, such as https://NAME.documents.azure.com/.
	Endpoint string
	Database string
	// Credential is an identity with permission to read and write the database's
	// documents.
	Credential azcore.TokenCredential
	// Key is the account's key in base64.
	Key string
	// Transport sends the requests; nil is the default.
	Transport policy.Transporter
}

// Driver is a store.Driver on one Cosmos DB database.
type Driver struct {
	client     *azcosmos.Client
	database   string
	containers map[string]*azcosmos.ContainerClient
	clock      *clock
	// undated is when documents without a time were last searched, by container.
	undated sync.Map
}

var _ store.Driver = (*Driver)(nil)

// Open connects to the account. Database and containers must exist; deployments
// create them, and Prepare does in development. The account's default consistency
// must be strong or bounded staleness: with weaker ones, a read could miss the
// process's own write.
func Open(_ context.Context, o Options) (*Driver, error) {
	clock := newClock()
	client, err := newClient(o, clock)
	if err != nil {
		return nil, fmt.Errorf("cosmos %s: %w", o.Endpoint, err)
	}
	k := &Driver{client: client, database: o.Database, containers: map[string]*azcosmos.ContainerClient{}, clock: clock}
	for _, c := range store.Containers() {
		if k.containers[c.Name], err = client.NewContainer(o.Database, c.Name); err != nil {
			return nil, fmt.Errorf("cosmos %s: container %s: %w", o.Endpoint, c.Name, err)
		}
	}
	return k, nil
}

func newClient(o Options, clock *clock) (*azcosmos.Client, error) {
	options := &azcosmos.ClientOptions{} // responses to writes have no content
	options.Transport = o.Transport
	options.PerRetryPolicies = []policy.Policy{clock}
	// attempt retries, because it knows which writes may be repeated.
	options.Retry = policy.RetryOptions{MaxRetries: -1, TryTimeout: tryTimeout}
	if o.Credential != nil {
		return azcosmos.NewClient(o.Endpoint, o.Credential, options)
	}
	key, err := azcosmos.NewKeyCredential(o.Key)
	if err != nil {
		return nil, errors.New("the account's key is not base64")
	}
	return azcosmos.NewClientWithKey(o.Endpoint, key, options)
}

// Prepare creates the database and the containers that do not exist.
func (k *Driver) Prepare(ctx context.Context) error {
	err := existing(attempt(ctx, func(ctx context.Context) error {
		_, err := k.client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: k.database}, nil)
		return err
	}))
	if err != nil {
		return fmt.Errorf("create database %s: %w", k.database, err)
	}
	database, err := k.client.NewDatabase(k.database)
	if err != nil {
		return fmt.Errorf("database %s: %w", k.database, err)
	}
	for _, c := range store.Containers() {
		err := existing(attempt(ctx, func(ctx context.Context) error {
			_, err := database.CreateContainer(ctx, Properties(c), nil)
			return err
		}))
		if err != nil {
			return fmt.Errorf("create container %s: %w", c.Name, err)
		}
	}
	return nil
}

// existing ignores the error that something exists.
func existing(_ bool, err error) error {
	if errors.As(err, new(*store.ConflictError)) {
		return nil
	}
	return err
}

// Properties returns the properties with which a container must be created;
// deployments use them too.
func Properties(c *store.Container) azcosmos.ContainerProperties {
	ttl := int32(-1) // documents may have their own
	if c.TTL != 0 {
		ttl = int32(c.TTL / time.Second)
	}
	p := azcosmos.ContainerProperties{
		ID:                     c.Name,
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/partition"}, Kind: azcosmos.PartitionKeyKindHash, Version: 2},
		DefaultTimeToLive:      &ttl,
		// Only what queries use is indexed, because indexes determine the cost of
		// writes.
		IndexingPolicy: &azcosmos.IndexingPolicy{
			Automatic:     true,
			IndexingMode:  azcosmos.IndexingModeConsistent,
			IncludedPaths: []azcosmos.IncludedPath{{Path: "/id/?"}, {Path: "/partition/?"}, {Path: "/due/?"}, {Path: "/" + envelopeMember + "/*"}},
			ExcludedPaths: []azcosmos.ExcludedPath{{Path: "/*"}},
		},
	}
	if len(c.UniqueKeys) > 0 {
		p.UniqueKeyPolicy = &azcosmos.UniqueKeyPolicy{}
	}
	for _, key := range c.UniqueKeys {
		p.UniqueKeyPolicy.UniqueKeys = append(p.UniqueKeyPolicy.UniqueKeys,
			azcosmos.UniqueKey{Paths: []string{"/" + envelopeMember + "/" + key}})
	}
	return p
}

// Create implements store.Driver.
func (k *Driver) Create(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	r.ETag = ""
	token := newToken()
	body, note, err := k.sealed(ctx, c, r, token)
	if err != nil {
		return store.Record{}, err
	}
	var answer azcosmos.ItemResponse
	lost, err := attempt(ctx, func(ctx context.Context) (err error) {
		answer, err = k.containers[c.Name].CreateItem(ctx, partitionKey(r.Partition), body, nil)
		return err
	})
	if err == nil {
		return written(r, answer.Response, note)
	}
	if !errors.As(err, new(*store.ConflictError)) {
		return store.Record{}, err
	}
	existing, readErr := k.Read(ctx, c, r.Partition, r.ID)
	switch {
	case readErr == nil && wrote(existing.ETag, token): // the response to this create was lost
		return existing, nil
	case readErr == nil && lost && !complete(existing.ETag, ""):
		return store.Record{}, errUnknownOutcome
	case readErr == nil:
		return store.Record{}, err
	case errors.Is(readErr, store.ErrNotFound):
		return store.Record{}, k.violated(ctx, c, r, note)
	}
	return store.Record{}, readErr
}

// Replace implements store.Driver.
func (k *Driver) Replace(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	token := newToken()
	body, note, err := k.sealed(ctx, c, r, token)
	if err != nil {
		return store.Record{}, err
	}
	etag, _ := splitETag(r.ETag)
	var answer azcosmos.ItemResponse
	lost, err := attempt(ctx, func(ctx context.Context) (err error) {
		answer, err = k.containers[c.Name].ReplaceItem(ctx, partitionKey(r.Partition), r.ID, body, meeting(etag))
		return err
	})
	switch {
	case err == nil:
		return written(r, answer.Response, note)
	case errors.As(err, new(*store.ConflictError)):
		return store.Record{}, k.violated(ctx, c, r, note)
	case lost && errors.Is(err, store.ErrPreconditionFailed):
		return k.recognise(ctx, c, r, token)
	}
	return store.Record{}, err
}

// errUnknownOutcome is the result of a write whose response was lost, if so many
// writes followed that its outcome can no longer be determined.
var errUnknownOutcome = &store.UnavailableError{Cause: errors.New("the answer to a write was lost, and too many writes followed it")}

// recognise determines whether a write whose response was lost changed the
// document, after a retry did not match the ETag.
func (k *Driver) recognise(ctx context.Context, c *store.Container, r store.Record, token string) (store.Record, error) {
	current, err := k.Read(ctx, c, r.Partition, r.ID)
	if err != nil {
		return store.Record{}, err
	}
	if !wrote(current.ETag, token) && !complete(current.ETag, r.ETag) {
		return store.Record{}, errUnknownOutcome
	}
	if !wrote(current.ETag, token) {
		return store.Record{}, store.ErrPreconditionFailed
	}
	if _, tokens := splitETag(current.ETag); tokens[0] != token {
		// Other writes followed: the write succeeded, but its ETag is no longer
		// current.
		r.WrittenAt = current.WrittenAt
		return r, nil
	}
	return current, nil
}

// Delete implements store.Driver.
func (k *Driver) Delete(ctx context.Context, c *store.Container, partition, id, etag string) error {
	etag, _ = splitETag(etag)
	lost, err := attempt(ctx, func(ctx context.Context) error {
		_, err := k.containers[c.Name].DeleteItem(ctx, partitionKey(partition), id, meeting(etag))
		return err
	})
	if lost && errors.Is(err, store.ErrNotFound) {
		return nil // an attempt whose response was lost removed it
	}
	return err
}

// Postpone implements store.Driver.
func (k *Driver) Postpone(ctx context.Context, c *store.Container, r store.Record, after time.Duration) (store.Record, error) {
	var err error
	if r.Body, err = postponed(r.Body, after); err != nil {
		return store.Record{}, err
	}
	return k.Replace(ctx, c, r)
}

// Read implements store.Driver.
func (k *Driver) Read(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	var raw []byte
	_, err := attempt(ctx, func(ctx context.Context) error {
		answer, err := k.containers[c.Name].ReadItem(ctx, partitionKey(partition), id, nil)
		raw = answer.Value
		return err
	})
	if err != nil {
		return store.Record{}, err
	}
	return open(raw)
}

// ReadBody implements store.Driver. In Cosmos DB the secrets are in the document.
func (k *Driver) ReadBody(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	return k.Read(ctx, c, partition, id)
}

// violated returns the unique key for which another document has the value of r.
func (k *Driver) violated(ctx context.Context, c *store.Container, r store.Record, note envelope) error {
	for _, key := range c.UniqueKeys {
		query := fmt.Sprintf(`SELECT c.id FROM c WHERE c["partition"] = @partition AND c["%s"]["%s"] = @value AND c.id != @id`, envelopeMember, key)
		q := cosmosQuery{text: query, partition: r.Partition, parameters: []azcosmos.QueryParameter{
			{Name: "@partition", Value: r.Partition}, {Name: "@value", Value: note[key]}, {Name: "@id", Value: r.ID},
		}, size: 1}
		found, err := k.gather(ctx, c, q, 1)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return &store.ConflictError{UniqueKey: key}
		}
	}
	return &store.ConflictError{}
}

// Ping sends a write without effect: it removes a document that does not exist.
// This needs the database's write region to respond.
func (k *Driver) Ping(ctx context.Context) error {
	err := k.Delete(ctx, store.Containers()[0], "ping", "ping", "none")
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// Close implements store.Driver. The client has nothing to release.
func (k *Driver) Close() error { return nil }

func partitionKey(partition string) azcosmos.PartitionKey {
	return azcosmos.NewPartitionKeyString(partition)
}

func meeting(etag string) *azcosmos.ItemOptions {
	return &azcosmos.ItemOptions{IfMatchEtag: (*azcore.ETag)(&etag)}
}

// sealed is seal with an initialised clock.
func (k *Driver) sealed(ctx context.Context, c *store.Container, r store.Record, token string) ([]byte, envelope, error) {
	if _, _, known := k.clock.bounds(); !known {
		if err := k.Ping(ctx); err != nil {
			return nil, nil, err
		}
	}
	return seal(c, r, token, k.clock)
}

// written returns r with the ETag and time in the headers of the response.
func written(r store.Record, answer azcosmos.Response, note envelope) (store.Record, error) {
	at, err := http.ParseTime(answer.RawResponse.Header.Get("Date"))
	if err != nil {
		return store.Record{}, fmt.Errorf("answer of the database: %w", err)
	}
	tokens, _ := note[tokensMember].([]string)
	r.ETag, r.WrittenAt = joinETag(string(answer.ETag), tokens), at.UTC()
	return r, nil
}

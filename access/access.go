// Package access gives the operators of the service what they use: sessions of the portal, kubeconfigs
// that lead through it, and passwords for its SSH server. It stores who got what and for how long,
// and withdraws it.
//
// It serves nothing: the portal and the admin API give out and ask.
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Accesses are what was given out. A document is found by the hash of the secret that its holder
// presents, so that read access to the database gives no access to the portal.
type Accesses struct {
	Documents *store.Collection[store.PortalDocument]
	Now       func() time.Time
}

// Holder is the partition of a person's accesses.
func Holder(objectID string) string {
	sum := sha256.Sum256([]byte(objectID))
	return hex.EncodeToString(sum[:8])
}

// ID is that of the document of a secret.
func ID(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Grant stores an access for a time, and returns its secret.
func (a Accesses) Grant(ctx context.Context, access model.PortalAccess, lifetime time.Duration) (secret string, err error) {
	secret = Holder(access.ObjectID) + "." + rand.Text()
	access.CreatedAt = a.Now().UTC()
	access.ExpiresAt = access.CreatedAt.Add(lifetime)
	doc := &store.PortalDocument{Meta: store.Meta{ID: ID(secret), Partition: Holder(access.ObjectID), TTL: int(lifetime.Seconds())}, Portal: access}
	return secret, a.Documents.Create(ctx, doc)
}

// partitionOf is the partition in a secret.
func partitionOf(secret string) (partition string, ok bool) {
	partition, _, ok = strings.Cut(secret, ".")
	return partition, ok && len(partition) == len(Holder("")) && strings.Trim(partition, "0123456789abcdef") == ""
}

// Find returns what a secret is good for, nil if it is good for nothing of the kind.
func (a Accesses) Find(ctx context.Context, secret string, kind model.PortalAccessKind) (*model.PortalAccess, error) {
	partition, ok := partitionOf(secret)
	if !ok {
		return nil, nil
	}
	return a.Lasting(ctx, partition, ID(secret), kind)
}

// Lasting returns an access by its document, nil if there is none of the kind or it has expired.
func (a Accesses) Lasting(ctx context.Context, partition, id string, kind model.PortalAccessKind) (*model.PortalAccess, error) {
	doc, err := a.Documents.View(ctx, partition, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (doc.Portal.Kind != kind || !doc.Portal.ExpiresAt.After(a.Now())) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &doc.Portal, nil
}

// Redeem returns what a secret is good for, and makes it good for nothing from then on: of several
// callers, in any process, one gets it. nil is for a secret that is good for nothing of the kind, or
// that accept does not want, which stays as it is.
func (a Accesses) Redeem(ctx context.Context, secret string, kind model.PortalAccessKind, accept func(*model.PortalAccess) bool) (*model.PortalAccess, error) {
	partition, ok := partitionOf(secret)
	if !ok {
		return nil, nil
	}
	doc, err := a.Documents.Get(ctx, partition, ID(secret))
	if err == nil {
		if doc.Portal.Kind != kind || !doc.Portal.ExpiresAt.After(a.Now()) || !accept(&doc.Portal) {
			return nil, nil
		}
		err = a.Documents.Delete(ctx, doc) // guarded by what was read
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrPreconditionFailed) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &doc.Portal, nil
}

// Revoke ends an access, if there is one.
func (a Accesses) Revoke(ctx context.Context, partition, id string) error {
	return store.RetryOnPreconditionFailed(ctx, func() error {
		doc, err := a.Documents.Get(ctx, partition, id)
		if err == nil {
			err = a.Documents.Delete(ctx, doc)
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
}

package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/cloud/state"
)

// Kinds of documents; the key is vault/name, in lower case.
const (
	kindSecret             = "vault/secret"
	kindCertificate        = "vault/certificate"
	kindKey                = "vault/key"
	kindDeletedKey         = "vault/deletedkey"
	kindDeletedSecret      = "vault/deletedsecret"
	kindDeletedCertificate = "vault/deletedcertificate"
)

var validName = regexp.MustCompile(`^[0-9a-zA-Z-]{1,127}$`)

// attributes of a version. Times are seconds since 1970, as on the wire.
type attributes struct {
	Enabled         *bool  `json:"enabled,omitempty"`
	NotBefore       *int64 `json:"nbf,omitempty"`
	Expires         *int64 `json:"exp,omitempty"`
	Created         int64  `json:"created,omitempty"`
	Updated         int64  `json:"updated,omitempty"`
	RecoveryLevel   string `json:"recoveryLevel,omitempty"`
	RecoverableDays int    `json:"recoverableDays,omitempty"`
}

func (a attributes) enabled() bool { return a.Enabled == nil || *a.Enabled }

// stamp fills in what the vault decides itself.
func (a attributes) stamp(created, now time.Time) attributes {
	yes := true
	if a.Enabled == nil {
		a.Enabled = &yes
	}
	a.Created, a.Updated = created.Unix(), now.Unix()
	a.RecoveryLevel, a.RecoverableDays = "Recoverable+Purgeable", int(recoverable/(24*time.Hour))
	return a
}

// merge takes over what an update names.
func (a attributes) merge(change *attributes, now time.Time) attributes {
	if change != nil {
		if change.Enabled != nil {
			a.Enabled = change.Enabled
		}
		if change.NotBefore != nil {
			a.NotBefore = change.NotBefore
		}
		if change.Expires != nil {
			a.Expires = change.Expires
		}
	}
	a.Updated = now.Unix()
	return a
}

// deletion is when an object was deleted and when it is purged.
type deletion struct {
	Deleted int64 `json:"deletedDate"`
	Purge   int64 `json:"scheduledPurgeDate"`
}

func newDeletion(now time.Time) *deletion {
	return &deletion{Deleted: now.Unix(), Purge: now.Add(recoverable).Unix()}
}

// tombstone is what all deleted objects have in common.
type tombstone struct {
	Deletion *deletion `json:"deletion"`
}

// over reports whether the object can no longer be recovered.
func (t tombstone) over(now time.Time) bool {
	return t.Deletion == nil || t.Deletion.Purge <= now.Unix()
}

// expire purges deleted objects after their retention, as Azure does, so that their number stays
// bounded.
func (s *Service) expire(ctx context.Context, vault string) error {
	return s.State.Update(ctx, func(tx *state.Tx) error {
		for _, kind := range []string{kindDeletedSecret, kindDeletedCertificate, kindDeletedKey} {
			entries, err := tx.List(ctx, kind, strings.ToLower(vault)+"/")
			if err != nil {
				return err
			}
			for _, entry := range entries {
				var one tombstone
				if err := json.Unmarshal(entry.Value, &one); err != nil {
					return fmt.Errorf("%s %s: %w", kind, entry.Key, err)
				}
				if !one.over(s.Now()) {
					continue
				}
				if _, err := tx.Delete(ctx, kind, entry.Key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func key(vault, name string) string { return strings.ToLower(vault + "/" + name) }

// memory is what a state file and a change of it have in common.
type memory interface {
	Get(ctx context.Context, kind, key string, v any) (bool, error)
}

// load reads a secret or certificate; what names it in the error.
func load[T any](ctx context.Context, from memory, kind, vault, name string) (v T, err error) {
	found, err := from.Get(ctx, kind, key(vault, name), &v)
	if err == nil && !found {
		what := "Secret"
		switch kind {
		case kindCertificate, kindDeletedCertificate:
			what = "Certificate"
		case kindKey, kindDeletedKey:
			what = "Key"
		}
		err = &refusal{http.StatusNotFound, what + "NotFound", fmt.Sprintf("A %s with (name/id) %s was not found in this key vault. "+
			"If you recently deleted it you may be able to recover it.", strings.ToLower(what), name), ""}
	}
	return v, err
}

// list reads all objects of a kind in a vault.
func list[T any](ctx context.Context, db *state.DB, kind, vault string) ([]T, error) {
	entries, err := db.List(ctx, kind, strings.ToLower(vault)+"/")
	if err != nil {
		return nil, err
	}
	values := make([]T, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Value, &values[i]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", kind, entry.Key, err)
		}
	}
	return values, nil
}

// free refuses a name that a deleted object still has.
func (s *Service) free(ctx context.Context, tx *state.Tx, kind, vault, name string) error {
	var left tombstone
	found, err := tx.Get(ctx, kind, key(vault, name), &left)
	if err != nil || !found {
		return err
	}
	if left.over(s.Now()) {
		_, err := tx.Delete(ctx, kind, key(vault, name))
		return err
	}
	return &refusal{http.StatusConflict, "Conflict", fmt.Sprintf("Object %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the object can only be recovered or purged.", name), "ObjectIsDeletedButRecoverable"}
}

// DeleteVault forgets everything in a vault.
func (s *Service) DeleteVault(ctx context.Context, vault string) error {
	return s.State.Update(ctx, func(tx *state.Tx) error {
		for _, kind := range []string{kindSecret, kindCertificate, kindKey, kindDeletedSecret, kindDeletedCertificate, kindDeletedKey} {
			entries, err := tx.List(ctx, kind, strings.ToLower(vault)+"/")
			if err != nil {
				return err
			}
			for _, entry := range entries {
				if _, err := tx.Delete(ctx, kind, entry.Key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

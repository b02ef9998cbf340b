package store

import (
	"context"
	"fmt"
)

// Store is every collection of the service on one keeper.
type Store struct {
	Clusters      *Collection[ClusterDocument]
	Operations    *Collection[OperationDocument]
	Subscriptions *Collection[SubscriptionDocument]
	Versions      *Collection[VersionDocument]
	RoleSets      *Collection[RoleSetDocument]
	Billing       *Collection[BillingDocument]

	keeper Keeper
}

// New puts the collections on k, which the Store owns from now on. Secrets are
// sealed with keys.
func New(k Keeper, keys *Keyring) *Store {
	d := newDocuments(keys)
	return &Store{
		Clusters:      newCollection[ClusterDocument](k, d, &clustersContainer),
		Operations:    newCollection[OperationDocument](k, d, &operationsContainer),
		Subscriptions: newCollection[SubscriptionDocument](k, d, &subscriptionsContainer),
		Versions:      newCollection[VersionDocument](k, d, &versionsContainer),
		RoleSets:      newCollection[RoleSetDocument](k, d, &roleSetsContainer),
		Billing:       newCollection[BillingDocument](k, d, &billingContainer),
		keeper:        k,
	}
}

// Ping answers whether the database can be read and written at the moment.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.keeper.Ping(ctx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Close closes the keeper.
func (s *Store) Close() error { return s.keeper.Close() }

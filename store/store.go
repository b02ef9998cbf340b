package store

import "context"

// Store has every collection of the service on one driver.
type Store struct {
	Clusters      *Collection[ClusterDocument]
	Operations    *Collection[OperationDocument]
	Subscriptions *Collection[SubscriptionDocument]
	Versions      *Collection[VersionDocument]
	RoleSets      *Collection[RoleSetDocument]
	Billing       *Collection[BillingDocument]
	PoolWorkers   *Collection[PoolWorkerDocument]
	Portal        *Collection[PortalDocument]
	// MonitorResults are what the monitor found, by cluster.
	MonitorResults *Collection[MonitorResultDocument]
	// History has the operations of clusters that have ended, also of deleted clusters.
	History *Collection[HistoryDocument]
	// Audit has the audit records of all processes, for searches.
	Audit *Collection[AuditDocument]

	driver    Driver
	documents *documents
	probes    *Collection[ProbeDocument]
	formats   *Collection[FormatDocument]
	pings     pings
}

// New returns the collections on k, which the Store owns from now on. Secrets are
// encrypted with keys.
func New(k Driver, keys *Keyring) *Store {
	d := newDocuments(keys)
	s := &Store{
		Clusters:       newCollection[ClusterDocument](k, d, &clustersContainer),
		Operations:     newCollection[OperationDocument](k, d, &operationsContainer),
		Subscriptions:  newCollection[SubscriptionDocument](k, d, &subscriptionsContainer),
		Versions:       newCollection[VersionDocument](k, d, &versionsContainer),
		RoleSets:       newCollection[RoleSetDocument](k, d, &roleSetsContainer),
		Billing:        newCollection[BillingDocument](k, d, &billingContainer),
		PoolWorkers:    newCollection[PoolWorkerDocument](k, d, &poolWorkersContainer),
		Portal:         newCollection[PortalDocument](k, d, &portalContainer),
		MonitorResults: newCollection[MonitorResultDocument](k, d, &resultsContainer),
		History:        newCollection[HistoryDocument](k, d, &historyContainer),
		Audit:          newCollection[AuditDocument](k, d, &auditContainer),
		driver:         k,
		documents:      d,
		probes:         newCollection[ProbeDocument](k, d, &probesContainer),
		formats:        newCollection[FormatDocument](k, d, &probesContainer),
	}
	d.keysFail = s.keysFail
	return s
}

// Observe sets a function that is called each time a document cannot be read. It
// must be called before the first use.
func (s *Store) Observe(observe func(context.Context, Sighting, *UnreadableError)) {
	s.documents.observe = observe
}

// Close closes the driver.
func (s *Store) Close() error { return s.driver.Close() }

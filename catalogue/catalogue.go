// Package catalogue is the authority on OpenShift versions and role sets: which are
// valid, which version is the default, and which are offered to new clusters. The admin
// API, the command aro versions and the initial data of a development store write
// through it.
package catalogue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/semver"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// age bounds the age of cached versions and role sets.
const age = time.Second

// Catalogue caches the OpenShift versions and role sets. It reads changes from the
// store on demand, at most once in age.
type Catalogue struct {
	store       *store.Store
	installable model.Installable
	now         func() time.Time

	mu           sync.Mutex
	read         time.Time
	versionsMark string
	roleSetsMark string
	versions     map[string]*model.OpenShiftVersion
	roleSets     map[string]*model.PlatformWorkloadIdentityRoleSet
	snapshot     *Offer
}

// Offer is what new clusters can use. It is immutable.
type Offer struct {
	// Versions are the enabled versions that can be installed, in the order of semantic
	// versioning.
	Versions []*model.OpenShiftVersion
	RoleSets []*model.PlatformWorkloadIdentityRoleSet
}

// New returns the catalogue of a store. installable reports which versions can be
// installed; nil accepts all. now may be nil.
func New(st *store.Store, installable model.Installable, now func() time.Time) *Catalogue {
	if now == nil {
		now = time.Now
	}
	return &Catalogue{store: st, installable: installable, now: now,
		versions: map[string]*model.OpenShiftVersion{}, roleSets: map[string]*model.PlatformWorkloadIdentityRoleSet{}}
}

// Offer returns the current offer. If the store does not respond, it returns an older
// one.
func (k *Catalogue) Offer(ctx context.Context) (*Offer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.snapshot != nil && k.now().Sub(k.read) < age {
		return k.snapshot, nil
	}
	if err := k.refresh(ctx); err != nil && k.snapshot == nil {
		return nil, err
	}
	return k.snapshot, nil
}

// Expire makes the next call of Offer read the store.
func (k *Catalogue) Expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read = time.Time{}
}

func (k *Catalogue) refresh(ctx context.Context) error {
	versions, versionsMark, err := k.store.Versions.AllChanges(ctx, k.versionsMark)
	if err != nil {
		return err
	}
	roleSets, roleSetsMark, err := k.store.RoleSets.AllChanges(ctx, k.roleSetsMark)
	if err != nil {
		return err
	}
	for _, doc := range versions {
		k.versions[doc.ID] = &doc.Version
	}
	for _, doc := range roleSets {
		k.roleSets[doc.ID] = &doc.RoleSet
	}
	k.versionsMark, k.roleSetsMark, k.read = versionsMark, roleSetsMark, k.now()
	if k.snapshot == nil || len(versions)+len(roleSets) > 0 {
		k.snapshot = k.newOffer()
	}
	return nil
}

func (k *Catalogue) newOffer() *Offer {
	o := &Offer{}
	for _, v := range k.versions {
		if v.Properties.Enabled && k.installable.Why(&v.Properties) == "" {
			o.Versions = append(o.Versions, v)
		}
	}
	slices.SortFunc(o.Versions, func(a, b *model.OpenShiftVersion) int {
		return compareVersions(a.Properties.Version, b.Properties.Version)
	})
	o.RoleSets = slices.SortedFunc(maps.Values(k.roleSets), func(a, b *model.PlatformWorkloadIdentityRoleSet) int {
		return compareVersions(a.Properties.OpenShiftVersion, b.Properties.OpenShiftVersion)
	})
	return o
}

// compareVersions compares versions by semantic versioning.
func compareVersions(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// ChooseVersion sets the default version if a new cluster has none, and otherwise
// validates its version.
func (o *Offer) ChooseVersion(c *model.Cluster, f *arm.Faults) {
	desired := &c.Properties.ClusterProfile.Version
	for _, v := range o.Versions {
		if *desired == "" && v.Properties.Default {
			*desired = v.Properties.Version
		}
		if *desired == v.Properties.Version {
			return
		}
	}
	const target = "properties.clusterProfile.version"
	if *desired == "" {
		f.Add(arm.InvalidParameter, target, "The service has no default version at the moment. Name one of the versions it lists.")
		return
	}
	f.Add(arm.InvalidParameter, target, "OpenShift %s is not offered. List the versions that are, or leave it out for the default.", arm.Sent(*desired))
}

// RoleSets reads role sets by the minor version that they are of; nil where there is none.
func RoleSets(documents *store.Store) func(ctx context.Context, minor string) (*model.PlatformWorkloadIdentityRoleSet, error) {
	return func(ctx context.Context, minor string) (*model.PlatformWorkloadIdentityRoleSet, error) {
		doc, err := documents.RoleSets.Get(ctx, store.RoleSetsPartition, minor)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("role set %s: %w", minor, err)
		}
		return &doc.RoleSet, nil
	}
}

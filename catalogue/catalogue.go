// Package catalogue is the authority on the OpenShift versions and role sets that the
// service knows: which are valid, which version is the default, and which are offered to
// new clusters. The admin API, the command aro versions and the seeds of a development
// store all write through it.
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

// age is how old an answer about versions and role sets may be.
const age = time.Second

// Catalogue keeps the OpenShift versions and role sets at hand. It asks the
// store for changes when it is asked itself, at most once in age.
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

// Offer is what new clusters may use. It is not changed any more.
type Offer struct {
	// Versions are those enabled that can be installed, in the order of semantic versioning.
	Versions []*model.OpenShiftVersion
	RoleSets []*model.PlatformWorkloadIdentityRoleSet
}

// New returns the catalogue of a store. installable says which versions can be installed;
// nil does not know. now may be nil.
func New(st *store.Store, installable model.Installable, now func() time.Time) *Catalogue {
	if now == nil {
		now = time.Now
	}
	return &Catalogue{store: st, installable: installable, now: now,
		versions: map[string]*model.OpenShiftVersion{}, roleSets: map[string]*model.PlatformWorkloadIdentityRoleSet{}}
}

// Offer is the present offer. When the store does not answer, an older one has to do.
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

// Expire makes the next answer a fresh one.
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

// compareVersions orders versions as semantic versioning does.
func compareVersions(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// ChooseVersion gives a new cluster the default version if it names none, and
// judges the one it names.
func (o *Offer) ChooseVersion(c *model.Cluster, f *arm.Faults) {
	wanted := &c.Properties.ClusterProfile.Version
	for _, v := range o.Versions {
		if *wanted == "" && v.Properties.Default {
			*wanted = v.Properties.Version
		}
		if *wanted == v.Properties.Version {
			return
		}
	}
	const target = "properties.clusterProfile.version"
	if *wanted == "" {
		f.Add(arm.InvalidParameter, target, "The service has no default version at the moment. Name one of the versions it lists.")
		return
	}
	f.Add(arm.InvalidParameter, target, "OpenShift %s is not offered. List the versions that are, or leave it out for the default.", arm.Sent(*wanted))
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

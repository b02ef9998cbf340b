package server

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/semver"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// catalogueAge is how old an answer about versions and role sets may be.
const catalogueAge = time.Second

// catalogue keeps the OpenShift versions and role sets at hand. It asks the
// store for changes when it is asked itself, at most once in catalogueAge.
type catalogue struct {
	store       *store.Store
	installable model.Installable
	now         func() time.Time

	mu           sync.Mutex
	read         time.Time
	versionsMark string
	roleSetsMark string
	versions     map[string]*model.OpenShiftVersion
	roleSets     map[string]*model.PlatformWorkloadIdentityRoleSet
	snapshot     *offer
}

// offer is what new clusters may use. It is not changed any more.
type offer struct {
	// versions are those enabled that can be installed, in the order of semantic versioning.
	versions []*model.OpenShiftVersion
	roleSets []*model.PlatformWorkloadIdentityRoleSet
}

func newCatalogue(st *store.Store, installable model.Installable, now func() time.Time) *catalogue {
	return &catalogue{store: st, installable: installable, now: now,
		versions: map[string]*model.OpenShiftVersion{}, roleSets: map[string]*model.PlatformWorkloadIdentityRoleSet{}}
}

// current is the offer. When the store does not answer, an older one has to do.
func (k *catalogue) current(ctx context.Context) (*offer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.snapshot != nil && k.now().Sub(k.read) < catalogueAge {
		return k.snapshot, nil
	}
	if err := k.refresh(ctx); err != nil && k.snapshot == nil {
		return nil, err
	}
	return k.snapshot, nil
}

// expire makes the next answer a fresh one.
func (k *catalogue) expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read = time.Time{}
}

func (k *catalogue) refresh(ctx context.Context) error {
	versions, versionsMark, err := k.store.Versions.Changes(ctx, k.versionsMark)
	if err != nil {
		return err
	}
	roleSets, roleSetsMark, err := k.store.RoleSets.Changes(ctx, k.roleSetsMark)
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
		k.snapshot = k.offer()
	}
	return nil
}

func (k *catalogue) offer() *offer {
	o := &offer{}
	for _, v := range k.versions {
		if v.Properties.Enabled && k.installable.Why(&v.Properties) == "" {
			o.versions = append(o.versions, v)
		}
	}
	slices.SortFunc(o.versions, func(a, b *model.OpenShiftVersion) int {
		return compareVersions(a.Properties.Version, b.Properties.Version)
	})
	o.roleSets = slices.SortedFunc(maps.Values(k.roleSets), func(a, b *model.PlatformWorkloadIdentityRoleSet) int {
		return compareVersions(a.Properties.OpenShiftVersion, b.Properties.OpenShiftVersion)
	})
	return o
}

func compareVersions(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// chooseVersion gives a new cluster the default version if it names none, and
// judges the one it names.
func (o *offer) chooseVersion(c *model.Cluster, f *arm.Faults) {
	wanted := &c.Properties.ClusterProfile.Version
	for _, v := range o.versions {
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

func (s *Server) listOpenShiftVersions(c *call) error {
	known, err := s.catalogue.current(c.ctx())
	if err != nil {
		return err
	}
	encoder := c.version.version.(openShiftVersionEncoder)
	items := make([]json.RawMessage, len(known.versions))
	for i, v := range known.versions {
		if items[i], err = encoder.EncodeOpenShiftVersion(publicVersion(v)); err != nil {
			return err
		}
	}
	return c.page(items, "")
}

func (s *Server) getOpenShiftVersion(c *call) error {
	known, err := s.catalogue.current(c.ctx())
	if err != nil {
		return err
	}
	name := c.Param("openShiftVersion")
	for _, v := range known.versions {
		if v.Properties.Version == name {
			body, err := c.version.version.(openShiftVersionEncoder).EncodeOpenShiftVersion(publicVersion(v))
			if err != nil {
				return err
			}
			return c.json(http.StatusOK, body)
		}
	}
	return arm.ResourceNotFound.Errorf("The OpenShift version was not found. List the versions that are offered.")
}

func (s *Server) listRoleSets(c *call) error {
	known, err := s.catalogue.current(c.ctx())
	if err != nil {
		return err
	}
	encoder := c.version.version.(roleSetEncoder)
	items := make([]json.RawMessage, len(known.roleSets))
	for i, r := range known.roleSets {
		if items[i], err = encoder.EncodeRoleSet(publicRoleSet(r)); err != nil {
			return err
		}
	}
	return c.page(items, "")
}

func (s *Server) getRoleSet(c *call) error {
	known, err := s.catalogue.current(c.ctx())
	if err != nil {
		return err
	}
	minor := c.Param("openShiftMinorVersion")
	for _, r := range known.roleSets {
		if r.Properties.OpenShiftVersion == minor {
			body, err := c.version.version.(roleSetEncoder).EncodeRoleSet(publicRoleSet(r))
			if err != nil {
				return err
			}
			return c.json(http.StatusOK, body)
		}
	}
	return arm.ResourceNotFound.Errorf("The role set was not found. List the role sets that exist.")
}

// The types of the catalogue's entries, as the existing service writes them.
const (
	versionType = arm.Namespace + "/OpenShiftVersion"
	roleSetType = arm.Namespace + "/PlatformWorkloadIdentityRoleSet"
)

// publicVersion is the entry as customers see it: like the existing service's,
// without an id (O11).
func publicVersion(v *model.OpenShiftVersion) *model.OpenShiftVersion {
	public := *v
	public.ID, public.Name, public.Type = "", v.Properties.Version, versionType
	return &public
}

func publicRoleSet(r *model.PlatformWorkloadIdentityRoleSet) *model.PlatformWorkloadIdentityRoleSet {
	public := *r
	public.ID, public.Name, public.Type = "", r.Properties.OpenShiftVersion, roleSetType
	return &public
}

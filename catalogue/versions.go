package catalogue

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The resource types of the entries, as in the existing service.
const (
	VersionType = arm.Namespace + "/OpenShiftVersion"
	RoleSetType = arm.Namespace + "/PlatformWorkloadIdentityRoleSet"
)

// maxPages bounds a read of all entries; pages of pageSize are well above the number of
// entries.
const (
	maxPages = 100
	pageSize = 100
)

// Set is all versions by name.
type Set map[string]model.OpenShiftVersionProperties

// Names lists the versions, oldest first.
func (s Set) Names() []string { return slices.SortedFunc(maps.Keys(s), compareVersions) }

// With returns the set with a version added or replaced. If it is the default, no other
// is.
func (s Set) With(p model.OpenShiftVersionProperties) Set {
	next := maps.Clone(s)
	if next == nil {
		next = Set{}
	}
	if p.Default {
		for name, other := range next {
			other.Default = false
			next[name] = other
		}
	}
	next[p.Version] = p
	return next
}

// Validate adds every violation of the versions with the given names, and of the set: if
// any version is enabled, exactly one is the default.
func (s Set) Validate(installable model.Installable, f *arm.Faults, names ...string) {
	before := f.Len()
	for _, name := range names {
		p := s[name]
		p.Validate(installable, f)
	}
	if f.Len() > before {
		return
	}
	enabled, defaults := 0, 0
	for _, p := range s {
		if p.Enabled {
			enabled++
		}
		if p.Default {
			defaults++
		}
	}
	if defaults > 1 || enabled > 0 && defaults == 0 {
		f.Add(arm.InvalidParameter, "properties.default", "%d versions would be the default; exactly one must be. Make one of those that are enabled the default.", defaults)
	}
}

// ReadFile reads a set from a file; see Parse.
func ReadFile(path string) (Set, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Parse parses the JSON of aro versions.
func Parse(text []byte) (Set, error) {
	var file struct {
		Versions []struct {
			Version           string `json:"version"`
			OpenShiftPullspec string `json:"openShiftPullspec"`
			InstallerPullspec string `json:"installerPullspec"`
			Enabled           bool   `json:"enabled"`
			Default           bool   `json:"default"`
		} `json:"versions"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, err
	}
	all := Set{}
	for _, v := range file.Versions {
		if _, twice := all[v.Version]; twice {
			return nil, fmt.Errorf("%s occurs twice", v.Version)
		}
		all[v.Version] = model.OpenShiftVersionProperties{Version: v.Version, OpenShiftPullspec: v.OpenShiftPullspec,
			InstallerPullspec: v.InstallerPullspec, Enabled: v.Enabled, Default: v.Default}
	}
	return all, nil
}

// Versions reads all versions, enabled or not.
func (k *Catalogue) Versions(ctx context.Context) (Set, error) {
	all := Set{}
	err := everything(ctx, k.store.Versions, store.VersionsPartition, func(doc *store.VersionDocument) {
		all[doc.ID] = doc.Version.Properties
	})
	return all, err
}

// PutVersion adds or replaces a version, and reports whether it is new.
func (k *Catalogue) PutVersion(ctx context.Context, p model.OpenShiftVersionProperties) (created bool, err error) {
	have, err := k.Versions(ctx)
	if err != nil {
		return false, err
	}
	var f arm.Faults
	have.With(p).Validate(k.installable, &f, p.Version)
	if f.Len() > 0 && have[p.Version].Default && !p.Enabled {
		return false, arm.InvalidParameter.At("properties.enabled", "The default version cannot be disabled. Make another one the default first.")
	}
	if err := f.Err(); err != nil {
		return false, err
	}
	change, err := k.writeVersion(ctx, p)
	if err != nil {
		return false, err
	}
	// The mark is removed from the others last, so that there is always a default.
	for name, other := range have {
		if p.Default && other.Default && name != p.Version {
			other.Default = false
			if _, err := k.writeVersion(ctx, other); err != nil {
				return false, err
			}
		}
	}
	k.Expire()
	return change == Created, nil
}

// Change is the kind of a change of an entry.
type Change string

// The changes.
const (
	Created   Change = "created"
	Changed   Change = "changed"
	Unchanged Change = "unchanged"
	Deleted   Change = "deleted"
)

// ReplaceVersions makes the store have exactly the desired versions, and reports each
// change as it is made. The new default is written before the old one loses the mark,
// and deletions come last.
func (k *Catalogue) ReplaceVersions(ctx context.Context, desired Set, report func(version string, did Change)) error {
	var f arm.Faults
	desired.Validate(k.installable, &f, desired.Names()...)
	if f.Len() > 0 {
		faults := make([]error, f.Len())
		for i, fault := range f.List() {
			faults[i] = errors.New(fault.Message)
		}
		return errors.Join(faults...)
	}
	have, err := k.Versions(ctx)
	if err != nil {
		return err
	}
	names := desired.Names()
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(map[bool]int{false: 1}[desired[a].Default], map[bool]int{false: 1}[desired[b].Default])
	})
	for _, name := range names {
		did, err := k.writeVersion(ctx, desired[name])
		if err != nil {
			return fmt.Errorf("version %s: %w", name, err)
		}
		report(name, did)
	}
	for _, name := range have.Names() {
		if _, stays := desired[name]; stays {
			continue
		}
		if err := k.deleteVersion(ctx, name); err != nil {
			return fmt.Errorf("version %s: %w", name, err)
		}
		report(name, Deleted)
	}
	k.Expire()
	return nil
}

func (k *Catalogue) writeVersion(ctx context.Context, p model.OpenShiftVersionProperties) (Change, error) {
	did := Changed
	_, err := k.store.Versions.Upsert(ctx, store.VersionsPartition, p.Version, func() *store.VersionDocument { return store.NewVersion(p.Version) }, func(doc *store.VersionDocument) error {
		have := &doc.Version.Properties
		did = Changed
		if doc.ETag == "" {
			did = Created
			doc.Version.ID, doc.Version.Name, doc.Version.Type = p.Version, p.Version, VersionType
		} else if have.Version == p.Version && have.OpenShiftPullspec == p.OpenShiftPullspec && have.InstallerPullspec == p.InstallerPullspec &&
			have.Enabled == p.Enabled && have.Default == p.Default {
			did = Unchanged
			return store.ErrUnchanged
		}
		have.Version, have.OpenShiftPullspec, have.InstallerPullspec = p.Version, p.OpenShiftPullspec, p.InstallerPullspec
		have.Enabled, have.Default = p.Enabled, p.Default
		return nil
	})
	return did, err
}

func (k *Catalogue) deleteVersion(ctx context.Context, version string) error {
	doc, err := k.store.Versions.Get(ctx, store.VersionsPartition, version)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return k.store.Versions.Delete(ctx, doc)
}

// Fill adds the first versions and role sets to a store that has no version. Two
// processes may do so at the same time.
func (k *Catalogue) Fill(ctx context.Context, versions Set, roleSets []model.RoleSetProperties) error {
	var f arm.Faults
	versions.Validate(k.installable, &f, versions.Names()...)
	for _, set := range roleSets {
		set.Validate(&f)
	}
	if err := f.Err(); err != nil {
		return err
	}
	existing, _, err := k.store.Versions.List(ctx, store.Query{Partition: store.VersionsPartition, Limit: 1})
	if err != nil || len(existing) > 0 {
		return err
	}
	for _, set := range roleSets {
		if _, err := k.PutRoleSet(ctx, set); err != nil {
			return fmt.Errorf("role set %s: %w", set.OpenShiftVersion, err)
		}
	}
	for _, name := range versions.Names() {
		if _, err := k.writeVersion(ctx, versions[name]); err != nil {
			return fmt.Errorf("version %s: %w", name, err)
		}
	}
	return nil
}

// RoleSets reads all role sets, oldest first.
func (k *Catalogue) RoleSets(ctx context.Context) ([]*model.PlatformWorkloadIdentityRoleSet, error) {
	var all []*model.PlatformWorkloadIdentityRoleSet
	err := everything(ctx, k.store.RoleSets, store.RoleSetsPartition, func(doc *store.RoleSetDocument) {
		all = append(all, &doc.RoleSet)
	})
	slices.SortFunc(all, func(a, b *model.PlatformWorkloadIdentityRoleSet) int {
		return compareVersions(a.Properties.OpenShiftVersion, b.Properties.OpenShiftVersion)
	})
	return all, err
}

// PutRoleSet adds or replaces the role set of a minor version, and reports whether it is
// new.
func (k *Catalogue) PutRoleSet(ctx context.Context, p model.RoleSetProperties) (created bool, err error) {
	var f arm.Faults
	p.Validate(&f)
	if err := f.Err(); err != nil {
		return false, err
	}
	minor := p.OpenShiftVersion
	_, err = k.store.RoleSets.Upsert(ctx, store.RoleSetsPartition, minor, func() *store.RoleSetDocument { return store.NewRoleSet(minor) }, func(doc *store.RoleSetDocument) error {
		if created = doc.ETag == ""; created {
			doc.RoleSet.ID, doc.RoleSet.Name, doc.RoleSet.Type = minor, minor, RoleSetType
		}
		doc.RoleSet.Properties.OpenShiftVersion = minor
		doc.RoleSet.Properties.PlatformWorkloadIdentityRoles = p.PlatformWorkloadIdentityRoles
		return nil
	})
	k.Expire()
	return created, err
}

// everything calls f for every document of a partition.
func everything[T any](ctx context.Context, c *store.Collection[T], partition string, f func(*T)) error {
	query := store.Query{Partition: partition, Limit: pageSize}
	for range maxPages {
		docs, next, err := c.List(ctx, query)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			f(doc)
		}
		if query.Continuation = next; next == "" {
			return nil
		}
	}
	return fmt.Errorf("the store has more than %d entries of the catalogue", maxPages*pageSize)
}

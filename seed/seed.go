// Package seed is what an empty development store begins with: the OpenShift
// versions and role sets that clusters can be created with at once. Production
// stores are filled through the admin API and never by this package.
package seed

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

//go:embed seed.json
var content []byte

type catalogue struct {
	Versions []string                             `json:"versions"`
	Default  string                               `json:"default"`
	RoleSets []string                             `json:"roleSets"`
	Roles    []model.PlatformWorkloadIdentityRole `json:"roles"`
}

// Empty fills the store with versions and role sets if it has no version yet. What
// is not installable is disabled, and the newest of the others is the default
// instead. Two processes may do so at the same time.
func Empty(ctx context.Context, s *store.Store, installable model.Installable) error {
	existing, _, err := s.Versions.List(ctx, store.Query{Partition: store.VersionsPartition, Limit: 1})
	if err != nil || len(existing) > 0 {
		return err
	}
	c, err := read()
	if err != nil {
		return err
	}
	for _, set := range c.RoleSets {
		if err := unlessExists(s.RoleSets.Create(ctx, c.roleSet(set))); err != nil {
			return fmt.Errorf("role set %s: %w", set, err)
		}
	}
	for _, doc := range c.documents(installable) {
		if err := unlessExists(s.Versions.Create(ctx, doc)); err != nil {
			return fmt.Errorf("version %s: %w", doc.ID, err)
		}
	}
	return nil
}

// documents are the versions, oldest first.
func (c catalogue) documents(installable model.Installable) []*store.VersionDocument {
	var all []*store.VersionDocument
	var newest *store.VersionDocument
	hasDefault := false
	for _, version := range c.Versions {
		doc := c.version(version)
		p := &doc.Version.Properties
		if installable.Why(p) != "" {
			p.Enabled, p.Default = false, false
		} else {
			newest, hasDefault = doc, hasDefault || p.Default
		}
		all = append(all, doc)
	}
	if newest != nil && !hasDefault {
		newest.Version.Properties.Default = true
	}
	return all
}

// DefaultVersion is the one that clusters get which ask for none.
func DefaultVersion() (string, error) {
	c, err := read()
	return c.Default, err
}

func read() (c catalogue, err error) {
	if err := json.Unmarshal(content, &c); err != nil {
		return c, fmt.Errorf("seed.json: %w", err)
	}
	return c, nil
}

func unlessExists(err error) error {
	if conflict := (*store.ConflictError)(nil); errors.As(err, &conflict) {
		return nil
	}
	return err
}

func (c catalogue) version(v string) *store.VersionDocument {
	doc := store.NewVersion(v)
	doc.Version.Properties = model.OpenShiftVersionProperties{
		Version:           v,
		OpenShiftPullspec: "quay.io/openshift-release-dev/ocp-release:" + v + "-x86_64",
		Enabled:           true,
		Default:           v == c.Default,
	}
	return doc
}

func (c catalogue) roleSet(minor string) *store.RoleSetDocument {
	doc := store.NewRoleSet(minor)
	doc.RoleSet.Properties = model.RoleSetProperties{
		OpenShiftVersion:              minor,
		PlatformWorkloadIdentityRoles: c.Roles,
	}
	return doc
}

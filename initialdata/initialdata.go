// Package initialdata has the data of an empty development store: the OpenShift
// versions and role sets that clusters can be created with at once. Production
// stores are filled through the admin API only.
package initialdata

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

//go:embed initialdata.json
var text []byte

type content struct {
	Versions []string                             `json:"versions"`
	Default  string                               `json:"default"`
	RoleSets []string                             `json:"roleSets"`
	Roles    []model.PlatformWorkloadIdentityRole `json:"roles"`
}

// Empty adds versions and role sets to the store if it has no version yet. Versions
// that are not installable are disabled, and the newest of the others becomes the
// default. Two processes may do so at the same time.
func Empty(ctx context.Context, s *store.Store, installable model.Installable) error {
	c, err := read()
	if err != nil {
		return err
	}
	return catalogue.New(s, installable, nil).Fill(ctx, c.versions(installable), c.roleSets())
}

func (c content) roleSets() []model.RoleSetProperties {
	all := make([]model.RoleSetProperties, len(c.RoleSets))
	for i, minor := range c.RoleSets {
		all[i] = model.RoleSetProperties{OpenShiftVersion: minor, PlatformWorkloadIdentityRoles: c.Roles}
	}
	return all
}

// RoleSets returns the role sets of new stores.
func RoleSets() ([]model.RoleSetProperties, error) {
	c, err := read()
	return c.roleSets(), err
}

// versions returns the versions of the content. One of them is the default if any is
// installable.
func (c content) versions(installable model.Installable) catalogue.Set {
	all, newest, hasDefault := catalogue.Set{}, "", false
	for _, version := range c.Versions { // oldest first
		p := model.OpenShiftVersionProperties{
			Version:           version,
			OpenShiftPullspec: "quay.io/openshift-release-dev/ocp-release:" + version + "-x86_64",
		}
		if installable.Why(&p) == "" {
			p.Enabled, p.Default = true, version == c.Default
			newest, hasDefault = version, hasDefault || p.Default
		}
		all[version] = p
	}
	if p, ok := all[newest]; ok && !hasDefault {
		p.Default = true
		all[newest] = p
	}
	return all
}

// DefaultVersion returns the version of clusters that specify none.
func DefaultVersion() (string, error) {
	c, err := read()
	return c.Default, err
}

func read() (c content, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("initialdata.json: %w", err)
	}
	return c, nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// versionsCommand says with which OpenShift versions clusters can be created.
type versionsCommand struct {
	storeFlags     `embed:""`
	installerFlags `embed:""`

	File    string            `env:"ARO_VERSIONS_FILE" type:"path" placeholder:"FILE" help:"All versions, as JSON: {\"versions\": [{\"version\", \"openShiftPullspec\", \"installerPullspec\", \"enabled\", \"default\"}]}. Versions that it does not have are deleted."`
	Release map[string]string `env:"ARO_VERSIONS_RELEASE" placeholder:"VERSION=IMAGE" help:"Release images by version, to add or change; a new version is enabled if there is an installer of it."`
	Enable  []string          `env:"ARO_VERSIONS_ENABLE" placeholder:"VERSION" help:"Versions to enable."`
	Disable []string          `env:"ARO_VERSIONS_DISABLE" placeholder:"VERSION" help:"Versions to disable; not the default one."`
	Default string            `env:"ARO_VERSIONS_DEFAULT" placeholder:"VERSION" help:"Version of clusters that name none."`
}

// maxVersions is many times what is offered at once.
const maxVersions = 1000

// Run fills or changes the version documents, and prints what it did.
func (c *versionsCommand) Run(ctx context.Context) error {
	if c.File != "" && (len(c.Release)+len(c.Enable)+len(c.Disable) > 0 || c.Default != "") {
		return errors.New("--file names all versions: use it alone")
	}
	// Versions hold no secrets, so any key does.
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		return err
	}
	// Who has no key has a role, as in production, which makes no databases.
	keeper, err := c.open(ctx, c.CosmosKey == "", nil)
	if err != nil {
		return err
	}
	documents := store.New(keeper, keys)
	defer func() { _ = documents.Close() }()

	have, err := readVersions(ctx, documents)
	if err != nil {
		return err
	}
	want, err := c.wanted(have)
	if err != nil {
		return err
	}
	installable, err := c.installable(ctx)
	if err != nil {
		return err
	}
	if err := checkVersions(want, installable); err != nil {
		return err
	}
	return writeVersions(ctx, documents, have, want, os.Stdout)
}

type versions map[string]model.OpenShiftVersionProperties

func readVersions(ctx context.Context, documents *store.Store) (versions, error) {
	all, next := versions{}, ""
	for range maxVersions {
		page, after, err := documents.Versions.List(ctx, store.Query{Partition: store.VersionsPartition, Limit: 100, Continuation: next})
		if err != nil {
			return nil, err
		}
		for _, doc := range page {
			all[doc.ID] = doc.Version.Properties
		}
		if next = after; next == "" {
			return all, nil
		}
	}
	return nil, errors.New("the store has too many versions")
}

// wanted are the versions there are to be.
func (c *versionsCommand) wanted(have versions) (versions, error) {
	if c.File != "" {
		return readVersionsFile(c.File)
	}
	want := maps.Clone(have)
	for version, image := range c.Release {
		p, known := want[version]
		p.Version, p.OpenShiftPullspec = version, image
		p.Enabled = p.Enabled || !known
		want[version] = p
	}
	for _, change := range []struct {
		names   []string
		enabled bool
	}{{c.Enable, true}, {c.Disable, false}} {
		for _, version := range change.names {
			p, known := want[version]
			if !known {
				return nil, fmt.Errorf("there is no version %s: add it with --release", version)
			}
			p.Enabled = change.enabled
			want[version] = p
		}
	}
	if c.Default != "" {
		for version, p := range want {
			p.Default = version == c.Default
			want[version] = p
		}
	}
	return want, nil
}

func readVersionsFile(path string) (versions, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
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
		return nil, fmt.Errorf("--file %s: %w", path, err)
	}
	all := versions{}
	for _, v := range file.Versions {
		if _, twice := all[v.Version]; twice {
			return nil, fmt.Errorf("--file %s: %s occurs twice", path, v.Version)
		}
		all[v.Version] = model.OpenShiftVersionProperties{Version: v.Version, OpenShiftPullspec: v.OpenShiftPullspec,
			InstallerPullspec: v.InstallerPullspec, Enabled: v.Enabled, Default: v.Default}
	}
	return all, nil
}

// checkVersions refuses what would leave clusters without a version to start from.
func checkVersions(all versions, installable model.Installable) error {
	var faults []error
	defaults := 0
	for _, version := range slices.Sorted(maps.Keys(all)) {
		p := all[version]
		var f arm.Faults
		p.Validate(installable, &f)
		for _, fault := range f.List() {
			faults = append(faults, errors.New(fault.Message))
		}
		if p.Default {
			defaults++
		}
	}
	if defaults != 1 {
		faults = append(faults, fmt.Errorf("%d versions are the default, want exactly one", defaults))
	}
	return errors.Join(faults...)
}

// writeVersions makes the store have the wanted versions. The new default comes
// before the old one loses the mark, and deletions come last.
func writeVersions(ctx context.Context, documents *store.Store, have, want versions, out io.Writer) error {
	names := slices.SortedFunc(maps.Keys(want), func(a, b string) int {
		if want[a].Default != want[b].Default {
			return map[bool]int{true: -1, false: 1}[want[a].Default]
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	for _, version := range names {
		did, err := writeVersion(ctx, documents, version, want[version])
		if err != nil {
			return fmt.Errorf("version %s: %w", version, err)
		}
		_, _ = fmt.Fprintln(out, version, did)
	}
	for _, version := range slices.Sorted(maps.Keys(have)) {
		if _, stays := want[version]; stays {
			continue
		}
		if err := deleteVersion(ctx, documents, version); err != nil {
			return fmt.Errorf("version %s: %w", version, err)
		}
		_, _ = fmt.Fprintln(out, version, "deleted")
	}
	return nil
}

func writeVersion(ctx context.Context, documents *store.Store, version string, p model.OpenShiftVersionProperties) (string, error) {
	doc := store.NewVersion(version)
	doc.Version.Properties = p
	err := documents.Versions.Create(ctx, doc)
	if err == nil {
		return "created", nil
	}
	if conflict := (*store.ConflictError)(nil); !errors.As(err, &conflict) {
		return "", err
	}
	did := "changed"
	_, err = documents.Versions.Update(ctx, store.VersionsPartition, version, func(d *store.VersionDocument) error {
		have := &d.Version.Properties
		if have.Version == p.Version && have.OpenShiftPullspec == p.OpenShiftPullspec && have.InstallerPullspec == p.InstallerPullspec &&
			have.Enabled == p.Enabled && have.Default == p.Default {
			did = "unchanged"
		}
		have.Version, have.OpenShiftPullspec, have.InstallerPullspec = p.Version, p.OpenShiftPullspec, p.InstallerPullspec
		have.Enabled, have.Default = p.Enabled, p.Default
		return nil
	})
	return did, err
}

func deleteVersion(ctx context.Context, documents *store.Store, version string) error {
	doc, err := documents.Versions.Get(ctx, store.VersionsPartition, version)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return documents.Versions.Delete(ctx, doc)
}

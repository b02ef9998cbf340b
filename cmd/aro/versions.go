package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/service"
)

// versionsCommand says with which OpenShift versions clusters can be created.
type versionsCommand struct {
	service.Database   `embed:""`
	service.Installers `embed:""`

	File    string            `env:"ARO_VERSIONS_FILE" type:"path" placeholder:"FILE" help:"All versions, as JSON: {\"versions\": [{\"version\", \"openShiftPullspec\", \"installerPullspec\", \"enabled\", \"default\"}]}. Versions that it does not have are deleted."`
	Release map[string]string `env:"ARO_VERSIONS_RELEASE" placeholder:"VERSION=IMAGE" help:"Release images by version, to add or change; a new version is enabled if there is an installer of it."`
	Enable  []string          `env:"ARO_VERSIONS_ENABLE" placeholder:"VERSION" help:"Versions to enable."`
	Disable []string          `env:"ARO_VERSIONS_DISABLE" placeholder:"VERSION" help:"Versions to disable; not the default one."`
	Default string            `env:"ARO_VERSIONS_DEFAULT" placeholder:"VERSION" help:"Version of clusters that name none."`
}

// Run fills or changes the version documents, and prints what it did.
func (c *versionsCommand) Run(ctx context.Context) error {
	if c.File != "" && (len(c.Release)+len(c.Enable)+len(c.Disable) > 0 || c.Default != "") {
		return errors.New("--file names all versions: use it alone")
	}
	var faults service.Faults
	if c.Check(&faults, false); faults.Err() != nil {
		return faults.Err()
	}
	documents, err := c.OpenWithoutSecrets(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = documents.Close() }()
	installers, err := c.Find(ctx, slog.Default())
	if err != nil {
		return err
	}
	known := catalogue.New(documents, service.Installable(installers), nil)
	have, err := known.Versions(ctx)
	if err != nil {
		return err
	}
	want, err := c.wanted(have)
	if err != nil {
		return err
	}
	return known.ReplaceVersions(ctx, want, func(version string, did catalogue.Change) { fmt.Println(version, did) })
}

// wanted are the versions there are to be.
func (c *versionsCommand) wanted(have catalogue.Set) (catalogue.Set, error) {
	if c.File != "" {
		all, err := catalogue.ReadFile(c.File)
		if err != nil {
			return nil, fmt.Errorf("--file %s: %w", c.File, err)
		}
		return all, nil
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
	for version, p := range want {
		p.Default = p.Default && c.Default == "" || version == c.Default
		want[version] = p
	}
	return want, nil
}

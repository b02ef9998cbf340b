// Package custom changes the installer's assets for clusters of this service: names
// are resolved without DNS zones, machines connect to the control plane by address,
// and the ingress and the image registry use resources that the resource provider
// created in Azure.
//
// Each change is made to the first asset that has the value, so that derived assets
// agree. The package adds no asset.
package custom

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"text/template"

	igntypes "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/openshift/installer/pkg/asset"
	"github.com/openshift/installer/pkg/asset/ignition"
	"github.com/openshift/installer/pkg/asset/ignition/bootstrap"
	"github.com/openshift/installer/pkg/asset/ignition/machine"
	"github.com/openshift/installer/pkg/asset/installconfig"
	"github.com/openshift/installer/pkg/asset/machines"
	"github.com/openshift/installer/pkg/asset/manifests"
	"github.com/openshift/installer/pkg/asset/tls"

	"github.com/aro-rp/aro/installer/document"
)

// largeMTU is the larger MTU that Azure networks support.
const largeMTU = 3900

// Custom changes the assets of one cluster.
type Custom struct {
	req    *document.Request
	config *installconfig.InstallConfig
	rootCA *tls.RootCA
}

// New returns a Custom for the cluster of the request, with the installer's
// configuration of it.
func New(req *document.Request, config *installconfig.InstallConfig) *Custom {
	return &Custom{req: req, config: config}
}

// Change changes an asset that was just generated, if it is one that differs.
func (c *Custom) Change(_ context.Context, a asset.Asset) error {
	switch a := a.(type) {
	case *tls.RootCA:
		c.rootCA = a
	case *tls.MCSCertKey:
		return c.machineConfigServerCertificate(a)
	case *machine.Master:
		return c.pointByAddress(a.Config, a.File)
	case *machine.Worker:
		return c.pointByAddress(a.Config, a.File)
	case *machine.WorkerIgnitionCustomizations:
		// The installer would treat the address as a user's change of the
		// ignition, and keep the rest of it in a MachineConfig.
		a.File = nil
	case *manifests.DNS:
		return c.noZones(a)
	case *manifests.Infrastructure:
		return c.armEndpoint(a)
	case *manifests.Manifests:
		return c.identityManifests(a)
	case *machines.Master:
		return c.machineConfigs("master", &a.MachineConfigFiles)
	case *machines.Worker:
		return c.machineConfigs("worker", &a.MachineConfigFiles)
	case *bootstrap.Bootstrap:
		return c.bootstrap(a)
	}
	return nil
}

// bootstrap adds to the bootstrap machine what the others get as MachineConfigs,
// and the additional manifests.
func (c *Custom) bootstrap(b *bootstrap.Bootstrap) error {
	parts := []func() (part, error){c.nameServer, c.hosts, c.journal, c.ownManifests}
	if c.req.MTU == largeMTU {
		parts = append(parts, c.mtu)
	}
	for _, partOf := range parts {
		p, err := partOf()
		if err != nil {
			return err
		}
		for _, f := range p.files {
			if has(b.Config, f.Path) {
				return fmt.Errorf("%s is in the installer's ignition already", f.Path)
			}
			b.Config.Storage.Files = append(b.Config.Storage.Files, f)
		}
		b.Config.Systemd.Units = append(b.Config.Systemd.Units, p.units...)
	}
	return marshal(b.Config, b.File)
}

func has(config *igntypes.Config, path string) bool {
	for _, f := range config.Storage.Files {
		if f.Path == path {
			return true
		}
	}
	return false
}

// marshal updates an asset's file from its configuration.
func marshal(config *igntypes.Config, file *asset.File) error {
	data, err := ignition.Marshal(config)
	if err != nil {
		return fmt.Errorf("ignition: %w", err)
	}
	file.Data = data
	return nil
}

// part is a set of files and units for a machine.
type part struct {
	files []igntypes.File
	units []igntypes.Unit
}

func file(path string, mode int, content []byte) igntypes.File {
	return ignition.FileFromBytes(path, "root", mode, content)
}

func unit(name string, content []byte) igntypes.Unit {
	text := string(content)
	return igntypes.Unit{Name: name, Contents: &text, Enabled: new(true)}
}

//go:embed templates
var templates embed.FS

// render executes a text template: an HTML template would escape characters of
// certificates and keys.
func (c *Custom) render(name string) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	var out bytes.Buffer
	// The operator uses the same templates. Clusters have no gateway when they are installed.
	in := struct {
		*document.Request
		Mirrors                  []Mirrored
		GatewayDomains           []string
		GatewayPrivateEndpointIP string
	}{Request: c.req, Mirrors: Mirrors(c.req.RegistryDomain)}
	if err := t.Execute(&out, in); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return out.Bytes(), nil
}

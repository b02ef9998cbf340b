// Package compute is Microsoft.Compute of the local Azure: virtual machines, which a hypervisor
// runs, their disks, and the quota that they use.
//
// It boots nothing itself; package network decides what may be attached to a network.
package compute

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/hypervisor"
)

const (
	virtualMachines    = "Microsoft.Compute/virtualMachines"
	disks              = "Microsoft.Compute/disks"
	diskEncryptionSets = "Microsoft.Compute/diskEncryptionSets"
)

type object = map[string]any

// Machines run what virtual machines describe.
type Machines interface {
	Start(ctx context.Context, vm hypervisor.VM) error
	Stop(ctx context.Context, id string) error
	Remove(ctx context.Context, id string) error
	State(id string) (power string, bootLog []byte)
}

// Options of a Compute. All but Limits and Offered must be set.
type Options struct {
	Engine   *resources.Engine
	Machines Machines
	// Watch makes the network see changes of virtual machines.
	Watch func(*resources.Behaviour)
	// Origin is the base of the URLs of boot diagnostics.
	Origin string
	// Limits by the name of a usage, such as cores, instead of the usual ones.
	Limits map[string]int
	// Offered refuses a size in a region, or in zones of it; nil refuses none.
	Offered func(size, location string, zones []string) error
	Log     *slog.Logger
}

// Compute keeps the rules of Microsoft.Compute.
type Compute struct {
	Options
	consoles *consoles
}

// New registers the types of Microsoft.Compute with the engine.
func New(o Options) *Compute {
	c := &Compute{Options: o, consoles: newConsoles(o.Origin, o.Machines)}
	vms := c.virtualMachines()
	if o.Watch != nil {
		o.Watch(&vms)
	}
	o.Engine.Register(virtualMachines, vms)
	o.Engine.Register(disks, c.disks())
	o.Engine.Register(diskEncryptionSets, c.diskEncryptionSets())
	o.Engine.Name("Microsoft.Compute/availabilitySets", "Microsoft.Compute/snapshots", "Microsoft.Compute/images", "Microsoft.Compute/galleries/images/versions")
	c.usages()
	c.imageRoutes()
	return c
}

// Resume powers on what should run, in case the host of machines lost it.
func (c *Compute) Resume(ctx context.Context) error {
	all, err := c.Engine.Below(ctx, "", virtualMachines)
	if err != nil {
		return err
	}
	for _, r := range all {
		if powerOf(r) != running || r.ProvisioningState() != resources.Succeeded {
			continue
		}
		if err := c.settle(ctx, r); err != nil {
			return fmt.Errorf("virtual machine %s: %w", r.Name, err)
		}
	}
	return nil
}

// settle starts the machine of a resource that is to run.
func (c *Compute) settle(ctx context.Context, r *resources.Resource) error {
	if powerOf(r) != running {
		return nil
	}
	vm, err := c.machine(ctx, r)
	if err != nil {
		return err
	}
	return c.Machines.Start(ctx, vm)
}

// machine returns the description of a virtual machine for the hypervisor.
func (c *Compute) machine(ctx context.Context, r *resources.Resource) (hypervisor.VM, error) {
	text, _ := r.Local["customData"].(string)
	customData, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return hypervisor.VM{}, fmt.Errorf("custom data: %w", err)
	}
	vm := hypervisor.VM{
		ID: r.ID, Name: r.Name, ResourceGroup: resources.Group(r.ID), Location: r.Location,
		Size: r.Text("hardwareProfile", "vmSize"), CustomData: customData,
		ImageSKU: r.Text("storageProfile", "imageReference", "sku"),
		DiskGB:   number(r.Get("storageProfile", "osDisk", "diskSizeGB")),
	}
	if len(r.Zones) > 0 {
		vm.Zone = r.Zones[0]
	}
	nic, err := c.Engine.Get(ctx, primaryInterface(r))
	if err != nil {
		return hypervisor.VM{}, err
	}
	for _, m := range resources.Objects(nic.Get("ipConfigurations")) {
		vm.PrivateIP, _ = resources.At(m, "properties", "privateIPAddress").(string)
		vm.SubnetID, _ = resources.At(m, "properties", "subnet", "id").(string)
		vm.VNetID, _, _ = strings.Cut(vm.SubnetID, "/subnets/")
		break
	}
	return vm, nil
}

// primaryInterface is the id of the interface whose address is the machine's.
func primaryInterface(r *resources.Resource) string {
	first := ""
	for _, m := range resources.Objects(r.Get("networkProfile", "networkInterfaces")) {
		id, _ := m["id"].(string)
		if primary, _ := resources.At(m, "properties", "primary").(bool); primary {
			return id
		}
		if first == "" {
			first = id
		}
	}
	return first
}

// number reads one of JSON, or one that a hook has set.
func number(value any) int {
	switch v := value.(type) {
	case float64:
		return int(v)
	case int:
		return v
	}
	return 0
}

func sameID(a, b string) bool { return resources.Key(a) == resources.Key(b) }

// Package scaleset is Microsoft.Compute/virtualMachineScaleSets of the local Azure: scale sets in
// uniform mode, whose instances a host runs. Instances have addresses of their own, join pools of
// load balancers, and their health is that of the scale set's probe.
//
// It neither starts nor probes instances: its Machines and the network do.
package scaleset

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// The types of this package.
const (
	Type     = "Microsoft.Compute/virtualMachineScaleSets"
	Instance = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
)

type object = map[string]any

// Machine is an instance as its host knows it.
type Machine struct {
	// ID is the instance's resource id.
	ID string
	// Name of the computer.
	Name, Location, Address string
	CustomData              []byte
	// Identities are the ids of the managed identities that it has.
	Identities []string
}

// Machines run instances.
type Machines interface {
	// Start starts an instance; a running one continues.
	Start(ctx context.Context, m Machine) error
	// Remove ends an instance and forgets it.
	Remove(ctx context.Context, id string) error
	// RunScript runs a script of a run command, and returns what it wrote.
	RunScript(ctx context.Context, id string, lines []string) (output string, err error)
}

// Wires is the network of instances.
type Wires interface {
	// Watch makes the network see changes of a type.
	Watch(b *resources.Behaviour)
	// Allocate finds a free address in a subnet.
	Allocate(ctx context.Context, subnet string) (string, error)
	// Healthy reports the state of an instance by a load balancer's probe.
	Healthy(instance, probe string) bool
}

// Sets keeps the rules of scale sets.
type Sets struct {
	engine   *resources.Engine
	machines Machines
	wires    Wires
	log      *slog.Logger
}

// New registers the types with the engine.
func New(engine *resources.Engine, machines Machines, wires Wires, log *slog.Logger) *Sets {
	s := &Sets{engine: engine, machines: machines, wires: wires, log: log}
	instances := s.instances()
	wires.Watch(&instances)
	engine.Register(Type, resources.Behaviour{
		Put: s.put, Settle: s.settle, Delete: s.empty, Show: s.show,
		Views: map[string]resources.Action{"instanceView": {Run: s.summary}},
	})
	engine.Register(Instance, instances)
	return s
}

// Resume starts the instances that there are, after a restart of the local Azure.
func (s *Sets) Resume(ctx context.Context) error {
	all, err := s.engine.Below(ctx, "", Type)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.ProvisioningState() != resources.Succeeded {
			continue // an operation resumes it
		}
		if err := s.settle(ctx, r); err != nil {
			return fmt.Errorf("scale set %s: %w", r.Name, err)
		}
	}
	return nil
}

func refuse(code, message string, args ...any) error {
	return resources.Refuse(http.StatusBadRequest, code, message, args...)
}

// put checks what a scale set needs, and keeps what callers never see again.
func (s *Sets) put(ctx context.Context, c *resources.Change) error {
	r := c.New
	keep(c)
	if capacity(r) < 0 || r.SKU["name"] == nil {
		return refuse("InvalidParameter", "The scale set '%s' needs a sku with a name and a capacity that is not negative.", r.Name)
	}
	r.Default("Uniform", "orchestrationMode")
	r.Default(true, "singlePlacementGroup")
	if r.Text("orchestrationMode") != "Uniform" {
		return refuse("NotSupported", "The local Azure has scale sets in uniform mode only.")
	}
	if _, _, err := s.place(ctx, r); err != nil {
		return err
	}
	automatic, _ := r.Get("upgradePolicy", "automaticOSUpgradePolicy", "enableAutomaticOSUpgrade").(bool)
	if automatic && probe(r) == "" {
		return refuse("AutomaticOSUpgradeNoHealthProbe", "Automatic OS upgrade of the scale set '%s' needs a health probe or the application health extension.", r.Name)
	}
	if id := probe(r); id != "" {
		if _, found, err := s.engine.Find(ctx, id); err != nil || !found {
			return orElse(err, refuse("InvalidResourceReference", "Resource %s referenced by resource %s was not found.", id, r.ID))
		}
	}
	if data := r.Text("virtualMachineProfile", "osProfile", "customData"); data != "" {
		if _, err := base64.StdEncoding.DecodeString(data); err != nil {
			return refuse("InvalidParameter", "Custom data in OSProfile must be in Base64 encoding.")
		}
		r.Local = object{"customData": data}
		r.Set(nil, "virtualMachineProfile", "osProfile", "customData")
	} else if c.Old == nil {
		r.Local = object{}
	}
	return nil
}

// keep gives a scale set that is written again what the caller leaves out, as Azure does: az vmss scale writes the
// location and the sku alone.
func keep(c *resources.Change) {
	if c.Old == nil || c.New.Get("virtualMachineProfile") != nil {
		return
	}
	for name, value := range c.Old.Properties {
		c.New.Default(value, name)
	}
	if c.New.Identity == nil {
		c.New.Identity = c.Old.Identity
	}
	if c.New.Zones == nil {
		c.New.Zones = c.Old.Zones
	}
	if c.New.Tags == nil {
		c.New.Tags = c.Old.Tags
	}
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// place is the subnet and the pools of a scale set's instances.
func (s *Sets) place(ctx context.Context, r *resources.Resource) (subnet string, pools []string, err error) {
	var configurations []map[string]any
	for _, nic := range resources.Objects(r.Get("virtualMachineProfile", "networkProfile", "networkInterfaceConfigurations")) {
		configurations = append(configurations, resources.Objects(resources.At(nic, "properties", "ipConfigurations"))...)
	}
	if len(configurations) == 0 {
		return "", nil, refuse("InvalidParameter", "The scale set '%s' needs a network interface configuration.", r.Name)
	}
	subnet, _ = resources.At(configurations[0], "properties", "subnet", "id").(string)
	for _, pool := range resources.Objects(resources.At(configurations[0], "properties", "loadBalancerBackendAddressPools")) {
		id, _ := pool["id"].(string)
		pools = append(pools, id)
	}
	for _, id := range append([]string{subnet}, pools...) {
		if _, found, err := s.engine.Find(ctx, id); err != nil || !found {
			return "", nil, orElse(err, refuse("InvalidResourceReference", "Resource %s referenced by resource %s was not found.", id, r.ID))
		}
	}
	return subnet, pools, nil
}

func probe(r *resources.Resource) string {
	return r.Text("virtualMachineProfile", "networkProfile", "healthProbe", "id")
}

func capacity(r *resources.Resource) int {
	switch n := r.SKU["capacity"].(type) {
	case float64:
		return int(n)
	case int:
		return n
	}
	return -1
}

// settle makes as many instances run as there should be.
func (s *Sets) settle(ctx context.Context, r *resources.Resource) error {
	have, err := s.of(ctx, r)
	if err != nil {
		return err
	}
	for len(have) > capacity(r) {
		last := have[len(have)-1]
		if err := s.engine.Remove(ctx, last.ID); err != nil {
			return err
		}
		have = have[:len(have)-1]
	}
	next := 0
	for _, instance := range have {
		if n, err := strconv.Atoi(instance.Name); err == nil && n >= next {
			next = n + 1
		}
	}
	for ; len(have) < capacity(r); next++ {
		instance, err := s.engine.Create(ctx, r.ID+"/virtualMachines/"+strconv.Itoa(next), object{"location": r.Location})
		if err != nil {
			return err
		}
		have = append(have, instance)
	}
	for _, instance := range have {
		if err := s.start(ctx, r, instance); err != nil {
			return fmt.Errorf("instance %s: %w", instance.Name, err)
		}
	}
	return nil
}

func (s *Sets) start(ctx context.Context, set, instance *resources.Resource) error {
	text, _ := set.Local["customData"].(string)
	customData, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("custom data: %w", err)
	}
	m := Machine{ID: instance.ID, Name: instance.Text("osProfile", "computerName"), Location: set.Location, CustomData: customData}
	m.Address, _ = instance.Local["address"].(string)
	for id := range resources.Object(set.Identity["userAssignedIdentities"]) {
		m.Identities = append(m.Identities, id)
	}
	return s.machines.Start(ctx, m)
}

// of are the instances of a scale set, the oldest first.
func (s *Sets) of(ctx context.Context, r *resources.Resource) ([]*resources.Resource, error) {
	all, err := s.engine.Below(ctx, r.ID, Instance)
	slices.SortFunc(all, func(a, b *resources.Resource) int {
		n, _ := strconv.Atoi(a.Name)
		m, _ := strconv.Atoi(b.Name)
		return n - m
	})
	return all, err
}

// empty removes the instances of a scale set that is deleted.
func (s *Sets) empty(ctx context.Context, r *resources.Resource) error {
	all, err := s.of(ctx, r)
	for _, instance := range all {
		if err == nil {
			err = s.engine.Remove(ctx, instance.ID)
		}
	}
	return err
}

func (s *Sets) show(_ context.Context, r *resources.Resource, _ url.Values) error {
	r.Default(strings.ToLower(r.ID), "uniqueId")
	return nil
}

// summary is the scale set's instance view.
func (s *Sets) summary(ctx context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	all, err := s.of(ctx, r)
	return object{
		"virtualMachine": object{"statusesSummary": []object{{"code": "ProvisioningState/succeeded", "count": len(all)}}},
		"statuses":       []object{{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded"}},
	}, err
}

package scaleset

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// instances is the behaviour of a scale set's virtual machines. Only the scale set makes
// them; callers may delete one, which lowers the capacity.
func (s *Sets) instances() resources.Behaviour {
	return resources.Behaviour{
		Put: s.putInstance,
		Delete: func(ctx context.Context, r *resources.Resource) error {
			return s.machines.Remove(ctx, r.ID)
		},
		Deleted: s.shrink,
		Show:    s.showInstance,
		Actions: map[string]resources.Action{"runCommand": {Run: s.runCommand, Long: true}},
		Views: map[string]resources.Action{"instanceView": {Run: func(ctx context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
			return s.view(ctx, r)
		}}},
	}
}

// putInstance gives an instance its address.
func (s *Sets) putInstance(ctx context.Context, c *resources.Change) error {
	if c.Old != nil || c.Call.Caller != (resources.Caller{}) {
		return resources.Refuse(http.StatusMethodNotAllowed, "OperationNotAllowed", "Instances of a scale set in uniform mode cannot be written; change the scale set.")
	}
	set, err := s.setOf(ctx, c.New)
	if err != nil {
		return err
	}
	subnet, pools, err := s.place(ctx, set)
	if err != nil {
		return err
	}
	address, err := s.wires.Allocate(ctx, subnet)
	if err != nil {
		return err
	}
	members := []any{}
	for _, pool := range pools {
		members = append(members, pool)
	}
	c.New.Local = object{"subnet": subnet, "pools": members, "address": address}
	number, err := strconv.Atoi(c.New.Name)
	if err != nil {
		return err
	}
	c.New.More = object{"instanceId": c.New.Name}
	c.New.SKU = object{"name": set.SKU["name"], "tier": "Standard"}
	if len(set.Zones) > 0 {
		c.New.Zones = []string{set.Zones[number%len(set.Zones)]}
	}
	prefix := set.Text("virtualMachineProfile", "osProfile", "computerNamePrefix")
	c.New.Properties = object{
		"latestModelApplied": true, "vmId": uuid.NewString(), "provisioningState": resources.Succeeded,
		"osProfile":       object{"computerName": prefix + strings.Repeat("0", max(0, 6-len(c.New.Name))) + c.New.Name},
		"hardwareProfile": object{}, "storageProfile": set.Get("virtualMachineProfile", "storageProfile"),
		"networkProfileConfiguration": set.Get("virtualMachineProfile", "networkProfile"),
	}
	return nil
}

func (s *Sets) setOf(ctx context.Context, instance *resources.Resource) (*resources.Resource, error) {
	id, err := resources.Parse(instance.ID)
	if err != nil {
		return nil, err
	}
	return s.engine.Get(ctx, id.Parent())
}

// shrink lowers the capacity of the scale set of a deleted instance.
func (s *Sets) shrink(ctx context.Context, r *resources.Resource) error {
	set, err := s.setOf(ctx, r)
	if resources.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	have, err := s.of(ctx, set)
	if err != nil || len(have) >= capacity(set) || set.ProvisioningState() == resources.Deleting {
		return err
	}
	return s.engine.Change(ctx, set.ID, func(set *resources.Resource) error {
		set.SKU["capacity"] = len(have)
		return nil
	})
}

func (s *Sets) showInstance(ctx context.Context, r *resources.Resource, query url.Values) error {
	if !arm.EqualFold(query.Get("$expand"), "instanceView") {
		return nil
	}
	view, err := s.view(ctx, r)
	r.Set(view, "instanceView")
	return err
}

// view is what Azure knows of a running instance.
func (s *Sets) view(ctx context.Context, r *resources.Resource) (object, error) {
	set, err := s.setOf(ctx, r)
	if err != nil {
		return nil, err
	}
	status := func(code, display string) object {
		return object{"code": code, "level": "Info", "displayStatus": display}
	}
	view := object{"statuses": []object{status("ProvisioningState/succeeded", "Provisioning succeeded"), status("PowerState/running", "VM running")}}
	if id := probe(set); id != "" {
		health := status("HealthState/unhealthy", "The VM is reporting itself as unhealthy or is unreachable")
		if s.wires.Healthy(r.ID, id) {
			health = status("HealthState/healthy", "The VM is reporting itself as healthy")
		}
		view["vmHealth"] = object{"status": health}
	}
	return view, nil
}

// runCommand runs a script on an instance. As in Azure, a failed script is a successful call; its
// output shows the failure.
func (s *Sets) runCommand(ctx context.Context, r *resources.Resource, call *resources.Call) (any, error) {
	command, _ := call.Body["commandId"].(string)
	if command != "RunShellScript" {
		return nil, refuse("InvalidParameter", "The local Azure knows the run command RunShellScript, and not '%s'.", command)
	}
	var lines []string
	script, _ := call.Body["script"].([]any)
	for _, line := range script {
		text, _ := line.(string)
		lines = append(lines, text)
	}
	output, err := s.machines.RunScript(ctx, r.ID, lines)
	stderr := ""
	if err != nil {
		stderr = err.Error()
	}
	return object{"value": []object{{
		"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
		"message": "Enable succeeded: \n[stdout]\n" + output + "\n[stderr]\n" + stderr,
	}}}, nil
}

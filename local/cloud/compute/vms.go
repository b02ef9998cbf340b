package compute

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// The power states that a virtual machine's owner chooses between.
const (
	running     = "running"
	stopped     = "stopped"     // still paid for
	deallocated = "deallocated" // not any more
)

// powerOf is what the virtual machine should be.
func powerOf(r *resources.Resource) string {
	power, _ := r.Local["power"].(string)
	return power
}

func (c *Compute) virtualMachines() resources.Behaviour {
	return resources.Behaviour{
		Put:    c.putVM,
		Settle: c.settle,
		Delete: func(ctx context.Context, r *resources.Resource) error {
			return c.Machines.Remove(ctx, r.ID)
		},
		Deleted: c.cleanUp,
		Show:    c.showVM,
		Actions: map[string]resources.Action{
			"start":                       {Run: c.switchTo(running)},
			"powerOff":                    {Run: c.switchTo(stopped)},
			"deallocate":                  {Run: c.switchTo(deallocated)},
			"restart":                     {Run: c.restart},
			"redeploy":                    {Run: c.restart},
			"reapply":                     {Run: func(context.Context, *resources.Resource, *resources.Call) (any, error) { return nil, nil }},
			"retrieveBootDiagnosticsData": {Run: c.bootDiagnostics},
		},
		Views: map[string]resources.Action{
			"instanceView": {Run: func(_ context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
				return c.instanceView(r), nil
			}},
		},
	}
}

// sizePattern is how all sizes are called.
var sizePattern = regexp.MustCompile(`^(Standard|Basic)_[A-Z]+[0-9]+[A-Za-z0-9_-]*$`)

func (c *Compute) putVM(ctx context.Context, change *resources.Change) error {
	r := change.New
	size := r.Text("hardwareProfile", "vmSize")
	if !sizePattern.MatchString(size) {
		return refuseParameter("vmSize", "The value '%s' provided for the VM size is not valid.", size)
	}
	if err := c.keepSecrets(change); err != nil {
		return err
	}
	if err := c.checkInterfaces(ctx, r); err != nil {
		return err
	}
	if change.Old == nil || change.Old.Text("hardwareProfile", "vmSize") != size {
		if c.Offered != nil {
			if err := c.Offered(size, resources.Location(r.Location), r.Zones); err != nil {
				return err
			}
		}
		if err := c.withinQuota(ctx, r); err != nil {
			return err
		}
	}
	r.Set(nil, "instanceView")
	if change.Old != nil {
		for _, kept := range []string{"vmId", "timeCreated"} {
			r.Set(change.Old.Get(kept), kept)
		}
		if err := unchanged(change, "storageProfile", "osDisk", "name"); err != nil {
			return err
		}
	} else {
		r.Set(uuid.NewString(), "vmId")
		r.Set(time.Now().UTC().Format(time.RFC3339Nano), "timeCreated")
		r.Local["power"] = running
	}
	if r.Get("osProfile") != nil {
		r.Default(r.Name, "osProfile", "computerName")
		r.Default(true, "osProfile", "allowExtensionOperations")
		r.Default([]any{}, "osProfile", "secrets")
		r.Default(true, "osProfile", "requireGuestProvisionSignal")
		if r.Get("osProfile", "windowsConfiguration") == nil {
			r.Default(false, "osProfile", "linuxConfiguration", "disablePasswordAuthentication")
			r.Default(true, "osProfile", "linuxConfiguration", "provisionVMAgent")
			r.Default("ImageDefault", "osProfile", "linuxConfiguration", "patchSettings", "patchMode")
		}
	}
	r.Default([]any{}, "storageProfile", "dataDisks")
	r.Default("ReadWrite", "storageProfile", "osDisk", "caching")
	if version := r.Text("storageProfile", "imageReference", "version"); version != "" {
		if version == "latest" {
			version = "1.0.0"
		}
		r.Set(version, "storageProfile", "imageReference", "exactVersion")
	}
	if err := c.attachDisk(ctx, change); err != nil {
		return err
	}
	return c.attachDataDisks(ctx, change)
}

// keepSecrets takes out of the properties what Azure takes and never shows.
func (c *Compute) keepSecrets(change *resources.Change) error {
	r := change.New
	customData := r.Text("osProfile", "customData")
	r.Set(nil, "osProfile", "customData")
	r.Set(nil, "osProfile", "adminPassword")
	if len(resources.Object(r.Get("osProfile"))) == 0 {
		r.Set(nil, "osProfile")
	}
	if _, err := base64.StdEncoding.DecodeString(customData); err != nil {
		return refuseParameter("customData", "Custom data in OSProfile must be in Base64 encoding and with a maximum length of 87380 characters.")
	}
	if len(customData) > 87380 {
		return refuseParameter("customData", "Custom data in OSProfile must be in Base64 encoding and with a maximum length of 87380 characters.")
	}
	if r.Local == nil {
		r.Local = map[string]any{}
	}
	had, _ := r.Local["customData"].(string)
	switch {
	case change.Old == nil:
		r.Local["customData"] = customData
	case customData != "" && customData != had:
		return changeNotAllowed("osProfile.customData")
	}
	return nil
}

func unchanged(change *resources.Change, path ...string) error {
	was, is := change.Old.Text(path...), change.New.Text(path...)
	if is == "" {
		change.New.Set(was, path...)
		return nil
	}
	if !arm.EqualFold(was, is) {
		return changeNotAllowed(strings.Join(path, "."))
	}
	return nil
}

func changeNotAllowed(property string) error {
	refusal := resources.Refuse(http.StatusConflict, "PropertyChangeNotAllowed", "Changing property '%s' is not allowed.", property)
	refusal.Target = property
	return refusal
}

func refuseParameter(target, message string, args ...any) error {
	refusal := resources.Refuse(http.StatusBadRequest, "InvalidParameter", message, args...)
	refusal.Target = target
	return refusal
}

// checkInterfaces requires interfaces that exist and that no other machine uses.
func (c *Compute) checkInterfaces(ctx context.Context, r *resources.Resource) error {
	used := resources.Objects(r.Get("networkProfile", "networkInterfaces"))
	if len(used) == 0 {
		return refuseParameter("networkProfile", "Virtual Machine must have at least one network interface.")
	}
	others, err := c.Engine.Below(ctx, "/subscriptions/"+resources.Subscription(r.ID), virtualMachines)
	if err != nil {
		return err
	}
	for _, m := range used {
		id, _ := m["id"].(string)
		_, found, err := c.Engine.Find(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return resources.Refuse(http.StatusBadRequest, "InvalidParameter", "Network interface %s referenced by virtual machine %s was not found.", id, r.ID)
		}
		for _, other := range others {
			if !sameID(other.ID, r.ID) && uses(other, id) {
				return resources.Refuse(http.StatusBadRequest, "NicInUse", "Network Interface %s is used by existing resource %s.", id, other.ID)
			}
		}
	}
	return nil
}

func uses(vm *resources.Resource, nic string) bool {
	for _, m := range resources.Objects(vm.Get("networkProfile", "networkInterfaces")) {
		if id, _ := m["id"].(string); sameID(id, nic) {
			return true
		}
	}
	return false
}

// cleanUp lets go of a deleted machine's disk and interfaces, or deletes those that
// were to go with it.
func (c *Compute) cleanUp(ctx context.Context, r *resources.Resource) error {
	if err := c.releaseDisks(ctx, r); err != nil {
		return err
	}
	for _, m := range resources.Objects(r.Get("networkProfile", "networkInterfaces")) {
		id, _ := m["id"].(string)
		if option, _ := resources.At(m, "properties", "deleteOption").(string); arm.EqualFold(option, "Delete") {
			if err := c.Engine.Remove(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// switchTo changes the power state.
func (c *Compute) switchTo(power string) func(context.Context, *resources.Resource, *resources.Call) (any, error) {
	return func(ctx context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
		if power == running && powerOf(r) != running {
			if err := c.withinQuota(ctx, r); err != nil {
				return nil, err
			}
		}
		err := c.Engine.Change(ctx, r.ID, func(r *resources.Resource) error {
			if r.ProvisioningState() == resources.Deleting {
				return resources.Refuse(http.StatusConflict, "OperationNotAllowed", "The virtual machine %s is being deleted.", r.Name)
			}
			r.Local["power"] = power
			return nil
		})
		if err != nil {
			return nil, err
		}
		r.Local["power"] = power
		if power == running {
			return nil, c.settle(ctx, r)
		}
		return nil, c.Machines.Stop(ctx, r.ID)
	}
}

func (c *Compute) restart(ctx context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	if powerOf(r) != running {
		return nil, resources.Refuse(http.StatusConflict, "OperationNotAllowed", "Cannot restart VM '%s' since it is not running.", r.Name)
	}
	if err := c.Machines.Stop(ctx, r.ID); err != nil {
		return nil, err
	}
	return nil, c.settle(ctx, r)
}

func (c *Compute) showVM(_ context.Context, r *resources.Resource, query url.Values) error {
	r.Etag = "" // as everything in Microsoft.Compute
	if strings.Contains(strings.ToLower(query.Get("$expand")), "instanceview") || arm.EqualFold(query.Get("statusOnly"), "true") {
		r.Set(c.instanceView(r), "instanceView")
	}
	return nil
}

// instanceView is what is known of the machine at this moment.
func (c *Compute) instanceView(r *resources.Resource) object {
	status := func(code, display string) object {
		return object{"code": code, "level": "Info", "displayStatus": display, "time": r.Changed.Format(time.RFC3339Nano)}
	}
	provisioning := strings.ToLower(r.ProvisioningState())
	statuses := []any{status("ProvisioningState/"+provisioning, "Provisioning "+provisioning)}
	power := powerOf(r)
	if is, _ := c.Machines.State(r.ID); power == running && is != running {
		power = "starting"
	}
	statuses = append(statuses, status("PowerState/"+power, "VM "+power))
	view := object{
		"statuses":         statuses,
		"hyperVGeneration": "V2",
		"disks":            []any{object{"name": r.Text("storageProfile", "osDisk", "name"), "statuses": []any{status("ProvisioningState/succeeded", "Provisioning succeeded")}}},
		"bootDiagnostics":  object{},
	}
	if name := r.Text("osProfile", "computerName"); name != "" {
		view["computerName"] = name
	}
	return view
}

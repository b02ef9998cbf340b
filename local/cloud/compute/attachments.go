package compute

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// attachExisting notes at a disk which machine has it.
func (c *Compute) attachExisting(ctx context.Context, vm, disk string) error {
	return c.Engine.Change(ctx, disk, func(d *resources.Resource) error {
		if d.ManagedBy != "" && !sameID(d.ManagedBy, vm) {
			return resources.Refuse(http.StatusConflict, "AttachDiskWhileBeingDetached", "Disk %s is attached to VM %s.", d.Name, d.ManagedBy)
		}
		d.ManagedBy = vm
		d.Set("Attached", "diskState")
		return nil
	})
}

// detach notes at a disk that no machine has it.
func (c *Compute) detach(ctx context.Context, disk string) error {
	err := c.Engine.Change(ctx, disk, func(d *resources.Resource) error {
		d.ManagedBy = ""
		d.Set("Unattached", "diskState")
		return nil
	})
	if resources.NotFound(err) {
		return nil
	}
	return err
}

// attachDataDisks attaches a machine's data disks, and detaches those that it had.
func (c *Compute) attachDataDisks(ctx context.Context, change *resources.Change) error {
	r, kept, used := change.New, map[string]bool{}, map[int]bool{}
	stays := []any{}
	for _, disk := range resources.Objects(r.Get("storageProfile", "dataDisks")) {
		if disk["toBeDetached"] == true {
			continue
		}
		stays = append(stays, disk)
	}
	r.Set(stays, "storageProfile", "dataDisks")
	for _, disk := range resources.Objects(stays) {
		lun := number(disk["lun"])
		if used[lun] {
			return refuseParameter("dataDisk.lun", "A disk at LUN %d already exists.", lun)
		}
		used[lun] = true
		id, err := c.dataDisk(ctx, r, disk)
		if err != nil {
			return err
		}
		kept[resources.Key(id)] = true
	}
	if change.Old == nil {
		return nil
	}
	for _, disk := range resources.Objects(change.Old.Get("storageProfile", "dataDisks")) {
		id, _ := resources.At(disk, "managedDisk", "id").(string)
		if id == "" || kept[resources.Key(id)] {
			continue
		}
		if err := c.detach(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// dataDisk attaches one disk, which it creates if the machine needs an empty one, and returns its
// id.
func (c *Compute) dataDisk(ctx context.Context, r *resources.Resource, disk object) (string, error) {
	text := func(path ...string) string { s, _ := resources.At(disk, path...).(string); return s }
	if disk["caching"] == nil {
		disk["caching"] = "None"
	}
	id := text("managedDisk", "id")
	if id == "" {
		if arm.EqualFold(text("createOption"), "Attach") {
			return "", refuseParameter("dataDisk.managedDisk.id", "Required parameter 'dataDisk.managedDisk.id' is missing (null).")
		}
		if text("name") == "" {
			disk["name"] = r.Name + "_disk_" + strings.ReplaceAll(uuid.NewString(), "-", "")
		}
		id = resources.GroupID(r.ID) + "/providers/" + disks + "/" + text("name")
		sku := text("managedDisk", "storageAccountType")
		if sku == "" {
			sku = "Premium_LRS"
		}
		if _, found, err := c.Engine.Find(ctx, id); err != nil {
			return "", err
		} else if !found {
			body := object{"location": r.Location, "sku": object{"name": sku}, "properties": object{"diskSizeGB": disk["diskSizeGB"], "creationData": object{"createOption": "Empty"}}}
			if _, err := c.Engine.Create(ctx, id, body); err != nil {
				return "", err
			}
		}
		resources.Place(disk, sku, "managedDisk", "storageAccountType")
	}
	kept, err := c.Engine.Get(ctx, id)
	if err != nil {
		return "", err
	}
	resources.Place(disk, kept.ID, "managedDisk", "id")
	disk["name"] = kept.Name
	disk["diskSizeGB"] = kept.Get("diskSizeGB")
	return kept.ID, c.attachExisting(ctx, r.ID, kept.ID)
}

// releaseDisks detaches the disks of a deleted machine, or deletes those that go with it.
func (c *Compute) releaseDisks(ctx context.Context, r *resources.Resource) error {
	all := append(resources.Objects(r.Get("storageProfile", "dataDisks")), resources.Object(r.Get("storageProfile", "osDisk")))
	for _, disk := range all {
		id, _ := resources.At(disk, "managedDisk", "id").(string)
		if id == "" {
			continue
		}
		fate := c.detach
		if option, _ := disk["deleteOption"].(string); arm.EqualFold(option, "Delete") {
			fate = c.Engine.Remove
		}
		if err := fate(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

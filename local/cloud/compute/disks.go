package compute

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

func (c *Compute) disks() resources.Behaviour {
	return resources.Behaviour{
		Put: func(_ context.Context, change *resources.Change) error {
			r := change.New
			if change.Old != nil {
				for _, kept := range []string{"timeCreated", "uniqueId", "diskState"} {
					r.Set(change.Old.Get(kept), kept)
				}
			}
			r.Default(time.Now().UTC().Format(time.RFC3339Nano), "timeCreated")
			r.Default(uuid.NewString(), "uniqueId")
			r.Default("Unattached", "diskState")
			r.Default("EncryptionAtRestWithPlatformKey", "encryption", "type")
			if gb := number(r.Get("diskSizeGB")); gb > 0 {
				r.Set(gb<<30, "diskSizeBytes")
			}
			if r.SKU == nil {
				r.SKU = object{"name": "Standard_LRS"}
			}
			name, _ := r.SKU["name"].(string)
			r.SKU["tier"], _, _ = strings.Cut(name, "_")
			return nil
		},
		InUse: func(ctx context.Context, r *resources.Resource) error {
			if r.ManagedBy == "" {
				return nil
			}
			_, found, err := c.Engine.Find(ctx, r.ManagedBy)
			if err != nil || !found {
				return err
			}
			return resources.Refuse(http.StatusConflict, "OperationNotAllowed", "Disk %s is attached to VM %s.", r.Name, r.ManagedBy)
		},
	}
}

func (c *Compute) diskEncryptionSets() resources.Behaviour {
	return resources.Behaviour{
		Put: func(_ context.Context, change *resources.Change) error {
			change.New.Default("EncryptionAtRestWithCustomerKey", "encryptionType")
			if identity := change.New.Identity; identity != nil && identity["principalId"] == nil {
				identity["principalId"] = uuid.NewString()
			}
			return nil
		},
		InUse: func(ctx context.Context, r *resources.Resource) error {
			all, err := c.Engine.Below(ctx, "/subscriptions/"+resources.Subscription(r.ID), disks)
			if err != nil {
				return err
			}
			for _, disk := range all {
				if sameID(disk.Text("encryption", "diskEncryptionSetId"), r.ID) {
					return resources.Refuse(http.StatusConflict, "OperationNotAllowed", "Disk encryption set %s is used by disk %s.", r.Name, disk.ID)
				}
			}
			return nil
		},
	}
}

// attachDisk gives a virtual machine its disk, which is a resource of its own.
func (c *Compute) attachDisk(ctx context.Context, change *resources.Change) error {
	r := change.New
	if change.Old != nil {
		for _, kept := range []string{"id", "storageAccountType"} {
			r.Default(change.Old.Get("storageProfile", "osDisk", "managedDisk", kept), "storageProfile", "osDisk", "managedDisk", kept)
		}
		return nil
	}
	r.Default(r.Name+"_OsDisk_1_"+strings.ReplaceAll(uuid.NewString(), "-", ""), "storageProfile", "osDisk", "name")
	r.Default("Linux", "storageProfile", "osDisk", "osType")
	r.Default("FromImage", "storageProfile", "osDisk", "createOption")
	r.Default("Detach", "storageProfile", "osDisk", "deleteOption")
	r.Default(16, "storageProfile", "osDisk", "diskSizeGB")
	r.Default("Premium_LRS", "storageProfile", "osDisk", "managedDisk", "storageAccountType")
	if arm.EqualFold(r.Text("storageProfile", "osDisk", "createOption"), "Attach") {
		return c.attachExisting(ctx, r.ID, r.Text("storageProfile", "osDisk", "managedDisk", "id"))
	}
	properties := object{
		"osType": r.Get("storageProfile", "osDisk", "osType"), "diskSizeGB": r.Get("storageProfile", "osDisk", "diskSizeGB"),
		"creationData": object{"createOption": "FromImage"}, "hyperVGeneration": "V2",
	}
	if set := r.Text("storageProfile", "osDisk", "managedDisk", "diskEncryptionSet", "id"); set != "" {
		if _, found, err := c.Engine.Find(ctx, set); err != nil || !found {
			return orRefuse(err, resources.Refuse(http.StatusNotFound, "DiskEncryptionSetNotFound", "Disk encryption set %s was not found.", set))
		}
		properties["encryption"] = object{"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": set}
	}
	id := resources.GroupID(r.ID) + "/providers/" + disks + "/" + r.Text("storageProfile", "osDisk", "name")
	if have, found, err := c.Engine.Find(ctx, id); err != nil || found && !sameID(have.ManagedBy, r.ID) {
		return orRefuse(err, resources.Refuse(http.StatusConflict, "ConflictingUserInput",
			"Disk %s already exists in resource group %s. Only CreateOption.Attach is supported.", nameOf(id), strings.ToUpper(resources.Group(r.ID))))
	}
	zones := []any{}
	for _, zone := range r.Zones {
		zones = append(zones, zone)
	}
	disk, err := c.Engine.Create(ctx, id, object{
		"location": r.Location, "managedBy": r.ID, "zones": zones, "properties": properties,
		"sku": object{"name": r.Text("storageProfile", "osDisk", "managedDisk", "storageAccountType")},
	})
	if err != nil {
		return err
	}
	r.Set(disk.ID, "storageProfile", "osDisk", "managedDisk", "id")
	return c.Engine.Change(ctx, disk.ID, func(d *resources.Resource) error {
		d.Set("Attached", "diskState")
		return nil
	})
}

func orRefuse(err, refusal error) error {
	if err != nil {
		return err
	}
	return refusal
}

func nameOf(id string) string { return id[strings.LastIndex(id, "/")+1:] }

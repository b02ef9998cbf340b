package compute

import (
	"context"
	"net/http"
	"net/url"
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
			r.Default("AllowAll", "networkAccessPolicy")
			r.Default("Enabled", "publicNetworkAccess")
			iops, throughput := performance(number(r.Get("diskSizeGB")))
			r.Default(iops, "diskIOPSReadWrite")
			r.Default(throughput, "diskMBpsReadWrite")
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
		Show: hideEtag,
		Missing: func(id resources.ID) error {
			return resources.Refuse(http.StatusNotFound, "NotFound", "Disk %s is not found.", id.Name())
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

// hideEtag shows no ETag, which Microsoft.Compute does not have.
func hideEtag(_ context.Context, r *resources.Resource, _ url.Values) error {
	r.Etag = ""
	return nil
}

// performance of a disk by its size, as of premium disks: operations and MB a second.
func performance(gb int) (iops, throughput int) {
	for _, tier := range []struct{ gb, iops, throughput int }{
		{16, 120, 25}, {64, 240, 50}, {128, 500, 100}, {256, 1100, 125}, {512, 2300, 150}, {1024, 5000, 200},
	} {
		if gb <= tier.gb {
			return tier.iops, tier.throughput
		}
	}
	return 7500, 250
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

// attachDisk attaches a virtual machine's OS disk, which is a resource of its own.
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

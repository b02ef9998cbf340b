package model

import (
	"fmt"

	"github.com/aro-rp/aro/arm"
)

// What a pool of workers may be.
const (
	minWorkers      = 2
	maxWorkers      = 50
	minWorkerDiskGB = 128
)

// machines is what the rules of masters and of a pool of workers share.
type machines struct {
	role                       Role
	vmSize, subnet, encryption string
	diskEncryptionSet          string
}

func masters(c *Cluster) machines {
	m := c.Properties.MasterProfile
	return machines{Master, m.VMSize, m.SubnetID, string(m.EncryptionAtHost), m.DiskEncryptionSetID}
}

func (w WorkerProfile) machines() machines {
	return machines{Worker, w.VMSize, w.SubnetID, string(w.EncryptionAtHost), w.DiskEncryptionSetID}
}

func (v *validation) master() {
	const target = "properties.masterProfile"
	v.machines(target, masters)
	m := masters(v.c)
	if id, ok := parseID(subnetForm, m.subnet); ok && v.changed(func(c *Cluster) any { return masters(c).subnet }) {
		v.sameSubscription(target+".subnetId", id)
	}
	if m.diskEncryptionSet == "" || !v.changed(func(c *Cluster) any { return masters(c).diskEncryptionSet }) {
		return
	}
	if id, ok := parseID(diskEncryptionSetForm, m.diskEncryptionSet); ok {
		v.sameSubscription(target+".diskEncryptionSetId", id)
	} else {
		v.fault(target+".diskEncryptionSetId", "The value must be the resource id of a disk encryption set.")
	}
}

// machines judges what masters and workers have in common.
func (v *validation) machines(target string, of func(*Cluster) machines) {
	m := of(v.c)
	if v.changed(func(c *Cluster) any { return of(c).vmSize }) {
		v.vmSize(target+".vmSize", m)
	}
	if _, ok := parseID(subnetForm, m.subnet); !ok && v.changed(func(c *Cluster) any { return of(c).subnet }) {
		v.fault(target+".subnetId", "The value must be the resource id of a subnet of a virtual network.")
	}
	word(v, target+".encryptionAtHost", func(c *Cluster) Feature { return Feature(of(c).encryption) }, Enabled, Disabled)
}

func (v *validation) vmSize(target string, m machines) {
	size, ok := productionSizes(m.role)[m.vmSize]
	if !ok && m.role == Worker && v.rules.RequireD2sWorkers {
		size, ok = developmentSizes()[m.vmSize]
	}
	switch {
	case !ok:
		v.fault(target, "The VM size is not supported for the %s role. Choose another, such as Standard_D8s_v5.", m.role)
	case olderThan(v.c.Properties.ClusterProfile.Version, size.minVersion):
		v.fault(target, "The VM size needs OpenShift %s or newer. Choose an older size, such as Standard_D8s_v5, or a newer version.", size.minVersion)
	}
}

func (v *validation) workers() {
	profiles := v.c.Properties.WorkerProfiles
	if v.creating() {
		if len(v.c.Properties.WorkerProfilesStatus) > 0 {
			v.fault("properties.workerProfilesStatus", "The service sets the status of the workers. Remove it.")
		}
		if len(profiles) != 1 {
			v.fault("properties.workerProfiles", "There must be exactly one worker profile, named worker.")
		}
	}
	for i := range profiles {
		target := fmt.Sprintf("properties.workerProfiles[%d]", i)
		of := func(c *Cluster) WorkerProfile { return at(c.Properties.WorkerProfiles, i) }
		v.worker(target, of)
		v.workerAgainstMasters(target, func(c *Cluster) machines { return of(c).machines() })
	}
}

func (v *validation) worker(target string, of func(*Cluster) WorkerProfile) {
	w := of(v.c)
	if v.creating() && w.Name != "worker" {
		v.fault(target+".name", "The worker profile must be named worker.")
	}
	v.machines(target, func(c *Cluster) machines { return of(c).machines() })
	if w.DiskSizeGB < minWorkerDiskGB && v.changed(func(c *Cluster) any { return of(c).DiskSizeGB }) {
		v.fault(target+".diskSizeGB", "The disk must have at least %d GB.", minWorkerDiskGB)
	}
	if (w.Count < minWorkers || w.Count > maxWorkers) && v.changed(func(c *Cluster) any { return of(c).Count }) {
		v.fault(target+".count", "The count must be from %d to %d.", minWorkers, maxWorkers)
	}
}

// workerAgainstMasters: one virtual network, two subnets, one key for all disks.
func (v *validation) workerAgainstMasters(target string, of func(*Cluster) machines) {
	worker, master := of(v.c), masters(v.c)
	if v.changed(func(c *Cluster) any { return [2]string{masters(c).subnet, of(c).subnet} }) {
		v.subnetPair(target+".subnetId", worker.subnet, master.subnet)
	}
	if !arm.EqualFold(worker.diskEncryptionSet, master.diskEncryptionSet) && v.changed(func(c *Cluster) any {
		return [2]string{masters(c).diskEncryptionSet, of(c).diskEncryptionSet}
	}) {
		v.fault(target+".diskEncryptionSetId", "Workers and masters must use the same disk encryption set. Give the id of masterProfile.diskEncryptionSetId.")
	}
}

func (v *validation) subnetPair(target, worker, master string) {
	w, workerOK := parseID(subnetForm, worker)
	m, masterOK := parseID(subnetForm, master)
	switch {
	case !workerOK || !masterOK: // noted where the form is judged
	case !arm.EqualFold(w.parent, m.parent):
		v.fault(target, "The subnet must be in the virtual network of masterProfile.subnetId.")
	case arm.EqualFold(worker, master):
		v.fault(target, "The workers need a subnet of their own. Choose another than masterProfile.subnetId.")
	}
}

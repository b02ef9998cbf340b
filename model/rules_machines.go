package model

import (
	"fmt"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// Limits of a pool of workers.
const (
	minWorkers      = 2
	maxWorkers      = 50
	minWorkerDiskGB = 128
)

// machines are the members that masters and a pool of workers share.
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
		v.refuse(target+".diskEncryptionSetId", m.diskEncryptionSet, "The value must be the resource id of a disk encryption set.")
	}
}

// machines validates the members that masters and workers share.
func (v *validation) machines(target string, of func(*Cluster) machines) {
	m := of(v.c)
	if v.changed(func(c *Cluster) any { return of(c).vmSize }) {
		v.vmSize(target+".vmSize", m)
	}
	if _, ok := parseID(subnetForm, m.subnet); !ok && v.changed(func(c *Cluster) any { return of(c).subnet }) {
		v.refuse(target+".subnetId", m.subnet, "The value must be the resource id of a subnet of a virtual network.")
	}
	enum(v, target+".encryptionAtHost", func(c *Cluster) Feature { return Feature(of(c).encryption) }, Enabled, Disabled)
}

func (v *validation) vmSize(target string, m machines) {
	size, ok := productionSizes(m.role)[m.vmSize]
	if !ok && m.role == Worker && v.rules.RequireD2sWorkers {
		size, ok = developmentSizes()[m.vmSize]
	}
	switch {
	case !ok:
		v.unsupportedSize(target, m)
	case olderThan(v.c.Properties.ClusterProfile.Version, size.minVersion):
		v.refuse(target, m.vmSize, "The VM size needs OpenShift %s or newer. Choose an older size, such as Standard_D8s_v5, or a newer version.", size.minVersion)
	}
}

// unsupportedSize adds a fault for a size that the role cannot have, or whose
// spelling differs.
func (v *validation) unsupportedSize(target string, m machines) {
	supported := productionSizes(m.role)
	for name := range supported {
		if arm.EqualFold(name, m.vmSize) {
			v.fault(target, "%s is not the name of a VM size. Write %s: names are case-sensitive.", arm.Sent(m.vmSize), name)
			return
		}
	}
	v.fault(target, "%s is not supported for %ss. Supported: %s.", arm.Sent(m.vmSize), m.role, strings.Join(sortedKeys(supported), ", "))
}

func (v *validation) workers() {
	profiles := v.c.Properties.WorkerProfiles
	if v.creating() {
		if len(v.c.Properties.WorkerProfilesStatus) > 0 {
			v.fault("properties.workerProfilesStatus", "The service sets the status of the workers. Remove it.")
		}
		if len(profiles) != 1 {
			v.fault("properties.workerProfiles", "There are %d worker profiles. There must be exactly one, named worker.", len(profiles))
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
		v.refuse(target+".name", w.Name, "The worker profile must be named worker.")
	}
	v.machines(target, func(c *Cluster) machines { return of(c).machines() })
	if w.DiskSizeGB < minWorkerDiskGB && v.changed(func(c *Cluster) any { return of(c).DiskSizeGB }) {
		v.fault(target+".diskSizeGB", "The disk has %d GB. It must have at least %d.", w.DiskSizeGB, minWorkerDiskGB)
	}
	if (w.Count < minWorkers || w.Count > maxWorkers) && v.changed(func(c *Cluster) any { return of(c).Count }) {
		v.fault(target+".count", "The count %d must be from %d to %d.", w.Count, minWorkers, maxWorkers)
	}
}

// workerAgainstMasters requires one virtual network, two subnets, and one key for
// all disks.
func (v *validation) workerAgainstMasters(target string, of func(*Cluster) machines) {
	worker, master := of(v.c), masters(v.c)
	if v.changed(func(c *Cluster) any { return [2]string{masters(c).subnet, of(c).subnet} }) {
		v.subnetPair(target+".subnetId", worker.subnet, master.subnet)
	}
	if !arm.EqualFold(worker.diskEncryptionSet, master.diskEncryptionSet) && v.changed(func(c *Cluster) any {
		return [2]string{masters(c).diskEncryptionSet, of(c).diskEncryptionSet}
	}) {
		v.refuse(target+".diskEncryptionSetId", worker.diskEncryptionSet, "Workers and masters must use the same disk encryption set. Give the id of masterProfile.diskEncryptionSetId.")
	}
}

func (v *validation) subnetPair(target, worker, master string) {
	w, workerOK := parseID(subnetForm, worker)
	m, masterOK := parseID(subnetForm, master)
	switch {
	case !workerOK || !masterOK: // reported by the rule about the form of ids
	case !arm.EqualFold(w.parent, m.parent):
		v.refuse(target, worker, "The subnet must be in the virtual network of masterProfile.subnetId.")
	case arm.EqualFold(worker, master):
		v.refuse(target, worker, "The workers need a subnet of their own. Choose another than masterProfile.subnetId.")
	}
}

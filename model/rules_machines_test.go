package model_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

const (
	master = "properties.masterProfile"
	worker = "properties.workerProfiles[0]"
	des    = subscription + "/resourceGroups/keys/providers/Microsoft.Compute/diskEncryptionSets/set"
)

func masters(change func(*model.MasterProfile)) func(*model.Cluster) {
	return func(c *model.Cluster) { change(&c.Properties.MasterProfile) }
}

func workers(change func(*model.WorkerProfile)) func(*model.Cluster) {
	return func(c *model.Cluster) { change(&c.Properties.WorkerProfiles[0]) }
}

func TestVMSizes(t *testing.T) {
	var cases []ruleCase
	for _, tc := range []struct {
		why, version, master, worker string
		want                         []fault
	}{
		{"usual sizes", "4.17.1", "Standard_D8s_v3", "Standard_D4s_v3", nil},
		{"a worker size is too small for masters", "4.17.1", "Standard_D4s_v3", "Standard_D4s_v3", []fault{invalid(master+".vmSize", "for masters")}},
		{"a size of no list", "4.17.1", "Standard_D8s_v3", "Standard_A1", []fault{invalid(worker+".vmSize", worker+`.vmSize: "Standard_A1" is not supported for workers. Supported: Standard_`)}},
		{"absent", "4.17.1", "", "", []fault{invalid(master+".vmSize", "Supported: "), invalid(worker+".vmSize", "Supported: ")}},
		{"names have one spelling", "4.17.1", "standard_d8s_v3", "Standard_D4s_v3", []fault{invalid(master+".vmSize", "Write Standard_D8s_v3")}},
		{"a new generation on an old release", "4.18.30", "Standard_D8s_v6", "Standard_L8s_v4",
			[]fault{invalid(master+".vmSize", "4.19.0"), invalid(worker+".vmSize", "4.19.0")}},
		{"a new generation on its first release", "4.19.0", "Standard_D8ds_v6", "Standard_D16lds_v6", nil},
		{"a candidate of the first release boots it as well", "4.19.0-rc.3", "Standard_D8ds_v6", "Standard_D16ls_v6", nil},
		{"a version that cannot be read is judged elsewhere", "newest", "Standard_D8s_v6", "Standard_D4s_v6", nil},
		{"small workers are for development", "4.17.1", "Standard_D8s_v3", "Standard_D2s_v5", []fault{invalid(worker+".vmSize", "for workers")}},
		{"the misspelt name is no size", "4.19.0", "Standard_D8s_v3", "Standard_D1l6ds_v6", []fault{invalid(worker+".vmSize", "for workers")}},
	} {
		cases = append(cases, ruleCase{tc.why, func(c *model.Cluster) {
			c.Properties.ClusterProfile.Version = tc.version
			c.Properties.MasterProfile.VMSize, c.Properties.WorkerProfiles[0].VMSize = tc.master, tc.worker
		}, tc.want})
	}
	onCreate(t, valid, cases)
}

func TestDevelopmentAllowsSmallWorkersToo(t *testing.T) {
	for _, tc := range []struct {
		why, master, worker string
		want                []fault
	}{
		{"a small quota", "Standard_D8s_v3", "Standard_D2s_v4", nil},
		{"a production size stays legal", "Standard_D8s_v3", "Standard_D4s_v3", nil},
		{"masters stay as in production", "Standard_D2s_v3", "Standard_D2s_v3", []fault{invalid(master+".vmSize", "for masters")}},
	} {
		t.Run(tc.why, func(t *testing.T) {
			c := valid()
			c.Properties.MasterProfile.VMSize, c.Properties.WorkerProfiles[0].VMSize = tc.master, tc.worker
			development := rules
			development.RequireD2sWorkers = true
			var f arm.Faults
			c.Validate(nil, development, &f)
			expectFaults(t, f.List(), tc.want)
		})
	}
}

func TestSubnets(t *testing.T) {
	form := []string{
		"", "master", vnet, vnet + "/subnets/a", vnet + "/subnets/" + strings.Repeat("a", 81), vnet + "/subnets/master/x",
		strings.Replace(vnet, "/vnet", "/v", 1) + "/subnets/master", strings.Replace(vnet, "/vnet", "/"+strings.Repeat("v", 65), 1) + "/subnets/master",
		strings.Replace(vnet, "Microsoft.Network", "Microsoft.Compute", 1) + "/subnets/master",
	}
	var cases []ruleCase
	for _, id := range form {
		cases = append(cases,
			ruleCase{"no subnet for masters: " + id, masters(func(m *model.MasterProfile) { m.SubnetID = id }), []fault{invalid(master+".subnetId", "subnet")}},
			ruleCase{"no subnet for workers: " + id, workers(func(w *model.WorkerProfile) { w.SubnetID = id }), []fault{invalid(worker+".subnetId", "subnet")}})
	}
	onCreate(t, valid, append(cases, []ruleCase{
		{"ARM ignores case", workers(func(w *model.WorkerProfile) { w.SubnetID = strings.ToUpper(w.SubnetID) }), nil},
		{"workers in another virtual network", workers(func(w *model.WorkerProfile) { w.SubnetID = strings.Replace(w.SubnetID, "/vnet/", "/other/", 1) }),
			[]fault{invalid(worker+".subnetId", "virtual network of masterProfile")}},
		{"one subnet for all", func(c *model.Cluster) {
			c.Properties.WorkerProfiles[0].SubnetID = strings.ToUpper(c.Properties.MasterProfile.SubnetID)
		},
			[]fault{invalid(worker+".subnetId", "subnet of their own")}},
		{"a network of another subscription", func(c *model.Cluster) {
			for _, id := range []*string{&c.Properties.MasterProfile.SubnetID, &c.Properties.WorkerProfiles[0].SubnetID} {
				*id = strings.Replace(*id, subscription, otherSubscription, 1)
			}
		}, []fault{invalid(master+".subnetId", "subscription")}},
	}...))
}

func TestDiskEncryption(t *testing.T) {
	both := func(masterSet, workerSet string) func(*model.Cluster) {
		return func(c *model.Cluster) {
			c.Properties.MasterProfile.DiskEncryptionSetID, c.Properties.WorkerProfiles[0].DiskEncryptionSetID = masterSet, workerSet
		}
	}
	foreign := strings.Replace(des, subscription, otherSubscription, 1)
	mismatch := []fault{invalid(worker+".diskEncryptionSetId", "same disk encryption set")}
	onCreate(t, valid, []ruleCase{
		{"none", both("", ""), nil},
		{"one for all", both(des, strings.ToUpper(des)), nil},
		{"no id", both("set", "set"), []fault{invalid(master+".diskEncryptionSetId", "resource id")}},
		{"another resource", both(vnet, vnet), []fault{invalid(master+".diskEncryptionSetId", "resource id")}},
		{"a name that is too long", both(des+strings.Repeat("x", 80), des+strings.Repeat("x", 80)), []fault{invalid(master+".diskEncryptionSetId", "resource id")}},
		{"another subscription", both(foreign, foreign), []fault{invalid(master+".diskEncryptionSetId", "subscription")}},
		{"masters only", both(des, ""), mismatch},
		{"workers only", both("", des), mismatch},
		{"two sets", both(des, des+"2"), mismatch},
		{"masters encrypted at host", masters(func(m *model.MasterProfile) { m.EncryptionAtHost = model.Enabled }), nil},
		{"masters with another word", masters(func(m *model.MasterProfile) { m.EncryptionAtHost = "on" }), []fault{invalid(master+".encryptionAtHost", "Enabled")}},
		{"workers encrypted at host", workers(func(w *model.WorkerProfile) { w.EncryptionAtHost = model.Enabled }), nil},
		{"workers with another word", workers(func(w *model.WorkerProfile) { w.EncryptionAtHost = "on" }), []fault{invalid(worker+".encryptionAtHost", "Enabled")}},
	})
}

func TestWorkersOfANewCluster(t *testing.T) {
	onCreate(t, valid, []ruleCase{
		{"another name", workers(func(w *model.WorkerProfile) { w.Name = "pool" }), []fault{invalid(worker+".name", "named worker")}},
		{"no workers", func(c *model.Cluster) { c.Properties.WorkerProfiles = nil }, []fault{invalid("properties.workerProfiles", "exactly one")}},
		{"two pools", func(c *model.Cluster) {
			c.Properties.WorkerProfiles = append(c.Properties.WorkerProfiles, c.Properties.WorkerProfiles[0])
		}, []fault{invalid("properties.workerProfiles", "exactly one")}},
		{"a status", func(c *model.Cluster) { c.Properties.WorkerProfilesStatus = c.Properties.WorkerProfiles },
			[]fault{invalid("properties.workerProfilesStatus", "Remove")}},
		{"a small disk", workers(func(w *model.WorkerProfile) { w.DiskSizeGB = 127 }), []fault{invalid(worker+".diskSizeGB", "128")}},
		{"a large disk", workers(func(w *model.WorkerProfile) { w.DiskSizeGB = 4096 }), nil},
	})
}

func TestWorkerCount(t *testing.T) {
	var cases []ruleCase
	bad := []fault{invalid(worker+".count", "2 to 50")}
	for _, tc := range []struct {
		why  string
		n    int
		want []fault
	}{
		{"the least", 2, nil}, {"the most", 50, nil}, {"none", 0, bad}, {"too few", 1, bad}, {"too many", 51, bad}, {"negative", -3, bad},
	} {
		cases = append(cases, ruleCase{tc.why, workers(func(w *model.WorkerProfile) { w.Count = tc.n }), tc.want})
	}
	onCreate(t, valid, cases)
	onUpdate(t, valid, cases)
}

func TestWorkersOfAGrownClusterAreNotJudgedAgain(t *testing.T) {
	grown := func() *model.Cluster {
		c := valid()
		c.Properties.WorkerProfilesStatus = c.Properties.WorkerProfiles
		for _, zone := range []string{"worker-eastus1", "worker-eastus2"} {
			c.Properties.WorkerProfiles = append(c.Properties.WorkerProfiles, model.WorkerProfile{Name: zone, Count: 1})
		}
		return c
	}
	onUpdate(t, grown, []ruleCase{
		{"scaling one pool", func(c *model.Cluster) { c.Properties.WorkerProfiles[1].Count = 4 }, nil},
		{"scaling it away", func(c *model.Cluster) { c.Properties.WorkerProfiles[2].Count = 0 }, []fault{invalid("properties.workerProfiles[2].count", "2 to 50")}},
	})
}

package model

import (
	"fmt"
	"maps"
	"sync"
)

// Role is the role of a machine in a cluster.
type Role string

// The roles, with the names of the admin API.
const (
	Master Role = "master"
	Worker Role = "worker"
)

// VMSize has the properties of a VM size that count against quotas.
type VMSize struct {
	CoreCount int `json:"coreCount"`
	// Family is the name of the quota for the cores.
	Family string `json:"family"`

	// minVersion is the first OpenShift release that supports it; empty means any.
	minVersion string
}

// Supports reports whether machines of a version of OpenShift can have the size. A version
// that cannot be read counts as new.
func (s VMSize) Supports(version string) bool {
	return !olderThan(version, s.minVersion)
}

// SupportedVMSizes returns the sizes of a role in production by name; nil for an
// unknown role.
func SupportedVMSizes(role Role) map[string]VMSize {
	return maps.Clone(productionSizes(role))
}

func productionSizes(role Role) map[string]VMSize {
	switch role {
	case Master:
		return masterSizes()
	case Worker:
		return workerSizes()
	}
	return nil
}

// family is a group of sizes with one quota and one pattern of names.
type family struct {
	quota string
	// name has a verb for the number of cores.
	name       string
	cores      []int
	minVersion string
}

var (
	masterSizes      = sync.OnceValue(func() map[string]VMSize { return sizes(masterFamilies()) })
	workerSizes      = sync.OnceValue(func() map[string]VMSize { return sizes(workerFamilies()) })
	developmentSizes = sync.OnceValue(func() map[string]VMSize { return sizes(developmentFamilies()) })
)

func sizes(families []family) map[string]VMSize {
	m := map[string]VMSize{}
	for _, f := range families {
		for _, n := range f.cores {
			m[fmt.Sprintf("Standard_"+f.name, n)] = VMSize{CoreCount: n, Family: f.quota, minVersion: f.minVersion}
		}
	}
	return m
}

// sixth is the first release that boots machines of the sixth generation.
const sixth = "4.19.0"

// nvmeCores returns the cores of every D family of the sixth generation.
func nvmeCores() []int { return []int{4, 8, 16, 32, 48, 64, 96} }

func masterFamilies() []family {
	small := []int{8, 16, 32}
	return append(sharedFamilies(), []family{
		{quota: "standardDSv3Family", name: "D%ds_v3", cores: small},
		{quota: "standardDSv4Family", name: "D%ds_v4", cores: small},
		{quota: "standardDSv5Family", name: "D%ds_v5", cores: small},
		{quota: "standardDASv4Family", name: "D%das_v4", cores: small},
		{quota: "standardDASv5Family", name: "D%das_v5", cores: small},
		{quota: "standardDDSv5Family", name: "D%dds_v5", cores: small},
		{quota: "standardESv3Family", name: "E%ds_v3", cores: small},
		{quota: "standardESv4Family", name: "E%ds_v4", cores: []int{8, 16, 20, 32, 48, 64}},
		{quota: "standardESv5Family", name: "E%ds_v5", cores: []int{8, 16, 20, 32, 48, 64, 96}},
		{quota: "standardFSv2Family", name: "F%ds_v2", cores: []int{72}},
	}...)
}

func workerFamilies() []family {
	return append(sharedFamilies(), []family{
		{quota: "standardDSv3Family", name: "D%ds_v3", cores: []int{4, 8, 16, 32}},
		{quota: "standardDSv4Family", name: "D%ds_v4", cores: []int{4, 8, 16, 32, 64}},
		{quota: "standardDSv5Family", name: "D%ds_v5", cores: []int{4, 8, 16, 32, 64, 96}},
		{quota: "standardDASv4Family", name: "D%das_v4", cores: []int{4, 8, 16, 32, 64, 96}},
		{quota: "standardDASv5Family", name: "D%das_v5", cores: []int{4, 8, 16, 32, 64, 96}},
		{quota: "standardDDSv5Family", name: "D%dds_v5", cores: []int{4, 8, 16, 32, 48, 64, 96}},
		{quota: "standardDLSv6Family", name: "D%dls_v6", cores: nvmeCores(), minVersion: sixth},
		{quota: "standardDLDSv6Family", name: "D%dlds_v6", cores: nvmeCores(), minVersion: sixth},
		{quota: "standardESv3Family", name: "E%ds_v3", cores: []int{4, 8, 16, 32}},
		{quota: "standardESv4Family", name: "E%ds_v4", cores: []int{2, 4, 8, 16, 20, 32, 48, 64}},
		{quota: "standardESv5Family", name: "E%ds_v5", cores: []int{2, 4, 8, 16, 20, 32, 48, 64, 96}},
		{quota: "standardEDSv5Family", name: "E%dds_v5", cores: []int{96}},
		{quota: "standardFSv2Family", name: "F%ds_v2", cores: []int{4, 8, 16, 32, 72}},
		{quota: "standardLsv2Family", name: "L%ds", cores: []int{4, 8, 16, 32}},
		{quota: "standardLsv2Family", name: "L%ds_v2", cores: []int{8, 16, 32, 48, 64}},
		{quota: "standardLsv3Family", name: "L%ds_v3", cores: []int{8, 16, 32, 48, 64}},
		{quota: "standardLsv4Family", name: "L%ds_v4", cores: []int{4, 8, 16, 32, 48, 64, 80}, minVersion: sixth},
		{quota: "Standard NCASv3_T4 Family", name: "NC%das_T4_v3", cores: []int{4, 8, 16, 64}},
		{quota: "Standard NCSv3 Family", name: "NC%ds_v3", cores: []int{6, 12, 24}},
		{quota: "Standard NCSv3 Family", name: "NC%drs_v3", cores: []int{24}},
	}...)
}

// sharedFamilies returns the families whose sizes both roles can use.
func sharedFamilies() []family {
	return []family{
		{quota: "standardDSv6Family", name: "D%ds_v6", cores: nvmeCores(), minVersion: sixth},
		{quota: "standardDDSv6Family", name: "D%dds_v6", cores: nvmeCores(), minVersion: sixth},
		{quota: "standardEASv4Family", name: "E%das_v4", cores: []int{4, 8, 16, 20, 32, 48, 64, 96}},
		{quota: "standardEASv5Family", name: "E%das_v5", cores: []int{8, 16, 20, 32, 48, 64, 96}},
		{quota: "standardESv3Family", name: "E%dis_v3", cores: []int{64}},
		{quota: "standardEISv4Family", name: "E%dis_v4", cores: []int{80}},
		{quota: "standardEIDSv4Family", name: "E%dids_v4", cores: []int{80}},
		{quota: "standardEISv5Family", name: "E%dis_v5", cores: []int{104}},
		{quota: "standardEIDSv5Family", name: "E%dids_v5", cores: []int{104}},
		{quota: "standardMSFamily", name: "M%dms", cores: []int{128}},
	}
}

func developmentFamilies() []family {
	return []family{
		{quota: "standardDSv3Family", name: "D%ds_v3", cores: []int{2}},
		{quota: "standardDSv4Family", name: "D%ds_v4", cores: []int{2}},
		{quota: "standardDSv5Family", name: "D%ds_v5", cores: []int{2}},
	}
}

package cloud

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/model"
)

// skus answers the list of machine and disk sizes; $filter knows the location.
func (a *Azure) skus(_ context.Context, call *resources.Call) (*resources.Answer, error) {
	filter, err := resources.ParseFilter(call.Query.Get("$filter"))
	if err != nil {
		return nil, err
	}
	exceptions, err := a.skuExceptions()
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, location := range locationNames() {
		if !filter.Matches(resources.Fields{Values: func(string) []string { return []string{location, locations()[location]} }}) {
			continue
		}
		sizes := machineSizes()
		for _, name := range slices.Sorted(maps.Keys(sizes)) {
			machine := machineSKU(name, sizes[name], location)
			exceptions.apply(machine, name, location)
			all = append(all, machine)
		}
		for _, disk := range []string{"Premium_LRS", "StandardSSD_LRS", "Standard_LRS"} {
			all = append(all, sku("disks", disk, "", location, map[string]string{"MaxSizeGiB": "32767"}))
		}
	}
	return values(all), nil
}

// vmSizes lists the sizes that a region offers, in the older form.
func (a *Azure) vmSizes(_ context.Context, call *resources.Call) (*resources.Answer, error) {
	location := resources.Location(call.Values["location"])
	if locations()[location] == "" {
		return nil, refuse("NoRegisteredProviderFound", "No registered resource provider found for location '%s'.", call.Values["location"])
	}
	all, sizes := []any{}, machineSizes()
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		cores := sizes[name].CoreCount
		all = append(all, map[string]any{
			"name": name, "numberOfCores": cores, "osDiskSizeInMB": osDiskMB, "resourceDiskSizeInMB": 0, "memoryInMB": memory(name, cores) * mbPerGB, "maxDataDiskCount": maxDataDisks,
		})
	}
	return values(all), nil
}

// What all sizes of machines have in common.
const (
	osDiskMB     = 1047552
	mbPerGB      = 1024
	maxDataDisks = 32
)

// machineSizes are all that clusters can be made of, and the small ones for trials.
func machineSizes() map[string]model.VMSize {
	all := model.SupportedVMSizes(model.Worker)
	maps.Copy(all, model.SupportedVMSizes(model.Master))
	for _, generation := range []string{"v3", "v4", "v5"} {
		all["Standard_D2s_"+generation] = model.VMSize{CoreCount: 2, Family: "standardDS" + generation + "Family"}
	}
	return all
}

func machineSKU(name string, size model.VMSize, location string) map[string]any {
	generations := "V1,V2"
	if strings.Contains(name, "_v6") {
		generations = "V2"
	}
	return sku("virtualMachines", name, size.Family, location, map[string]string{
		"vCPUs": strconv.Itoa(size.CoreCount), "vCPUsAvailable": strconv.Itoa(size.CoreCount), "MemoryGB": fmt.Sprint(memory(name, size.CoreCount)),
		"HyperVGenerations": generations, "AcceleratedNetworkingEnabled": "True", "EncryptionAtHostSupported": "True", "PremiumIO": "True",
		"CpuArchitectureType": "x64", "MaxDataDiskCount": strconv.Itoa(maxDataDisks), "MaxNetworkInterfaces": "8", "OSVhdSizeMB": strconv.Itoa(osDiskMB), "LowPriorityCapable": "True",
		"VMDeploymentTypes": "IaaS", "DiskControllerTypes": "SCSI, NVMe", "ACUs": "160",
	})
}

// memory in GB follows from the letter of the family.
func memory(name string, cores int) int {
	perCore := map[byte]int{'D': 4, 'E': 8, 'F': 2, 'L': 8, 'M': 30, 'N': 7}[strings.TrimPrefix(name, "Standard_")[0]]
	if strings.HasPrefix(name, "Standard_D") && strings.Contains(name, "l") {
		perCore = 2
	}
	return max(perCore, 1) * cores
}

func sku(resourceType, name, family, location string, capabilities map[string]string) map[string]any {
	list := []any{}
	for _, k := range slices.Sorted(maps.Keys(capabilities)) {
		list = append(list, map[string]any{"name": k, "value": capabilities[k]})
	}
	tier, size, _ := strings.Cut(name, "_")
	body := map[string]any{
		"resourceType": resourceType, "name": name, "tier": tier, "size": size, "locations": []string{location},
		"locationInfo": []any{locationInfo(location, []string{"1", "2", "3"})},
		"capabilities": list, "restrictions": []any{},
	}
	if family != "" {
		body["family"] = family
	}
	return body
}

package cloud

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/resources"
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
		for _, size := range compute.Sizes() {
			machine := machineSKU(size, location)
			exceptions.apply(machine, size.Name, location)
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
	all := []any{}
	for _, size := range compute.Sizes() {
		all = append(all, map[string]any{
			"name": size.Name, "numberOfCores": size.Cores, "osDiskSizeInMB": osDiskMB, "resourceDiskSizeInMB": 0, "memoryInMB": size.MemoryGB * mbPerGB, "maxDataDiskCount": maxDataDisks,
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

func machineSKU(size compute.Size, location string) map[string]any {
	generations := "V1,V2"
	if strings.Contains(size.Name, "_v6") {
		generations = "V2"
	}
	return sku("virtualMachines", size.Name, size.Family, location, map[string]string{
		"vCPUs": strconv.Itoa(size.Cores), "vCPUsAvailable": strconv.Itoa(size.Cores), "MemoryGB": strconv.Itoa(size.MemoryGB),
		"HyperVGenerations": generations, "AcceleratedNetworkingEnabled": "True", "EncryptionAtHostSupported": "True", "PremiumIO": "True",
		"CpuArchitectureType": "x64", "MaxDataDiskCount": strconv.Itoa(maxDataDisks), "MaxNetworkInterfaces": "8", "OSVhdSizeMB": strconv.Itoa(osDiskMB), "LowPriorityCapable": "True",
		"VMDeploymentTypes": "IaaS", "DiskControllerTypes": "SCSI, NVMe", "ACUs": "160",
	})
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

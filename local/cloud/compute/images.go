package compute

import (
	"context"
	"net/http"
	"slices"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// image is one of the marketplace.
type image struct {
	alias                          string // of the list that az shows without asking Azure
	publisher, offer, sku, version string
}

// images are those that clients list. Machines may be made of any.
func images() []image {
	return []image{
		{"", "azureopenshift", "aro4", "aro_416", "416.94.20240510"},
		{"", "azureopenshift", "aro4", "aro_417", "417.94.20240701"},
		{"", "azureopenshift", "aro4", "aro_418", "418.94.20250122"},
		{"", "azureopenshift", "aro4", "aro_419", "419.6.20250523"},
		{"Debian12", "Debian", "debian-12", "12", "latest"},
		{"RHELRaw8LVMGen2", "RedHat", "RHEL", "8-lvm-gen2", "latest"},
		{"Ubuntu2204", "Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "latest"},
		{"Ubuntu2404", "Canonical", "ubuntu-24_04-lts", "server", "latest"},
	}
}

// Aliases are the short names of images, as az reads them from a file of the cloud.
func Aliases() map[string]any {
	all := map[string]any{}
	for _, i := range images() {
		if i.alias != "" {
			all[i.alias] = object{"publisher": i.publisher, "offer": i.offer, "sku": i.sku, "version": i.version, "architecture": "x64"}
		}
	}
	return all
}

// imageRoutes list images by publisher, offer, SKU and version, in every region.
func (c *Compute) imageRoutes() {
	path := "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/publishers"
	levels := []func(image) string{
		func(i image) string { return i.publisher }, func(i image) string { return i.offer },
		func(i image) string { return i.sku }, func(i image) string { return i.version },
	}
	variables := []string{"publisher", "offer", "sku", "version"}
	segments := []string{"/artifacttypes/vmimage/offers", "/skus", "/versions"}
	for depth := range levels {
		c.Engine.Route(http.MethodGet, path, func(_ context.Context, call *resources.Call) (*resources.Answer, error) {
			return listImages(call, levels, variables[:depth])
		})
		path += "/{" + variables[depth] + "}"
		if depth < len(segments) {
			path += segments[depth]
		}
	}
	c.Engine.Route(http.MethodGet, path, oneImage)
}

// listImages lists the names at one level, below those that the call has chosen.
func listImages(call *resources.Call, levels []func(image) string, chosen []string) (*resources.Answer, error) {
	all, seen := []any{}, []string{}
	for _, i := range images() {
		matches := true
		for level, variable := range chosen {
			matches = matches && arm.EqualFold(levels[level](i), call.Values[variable])
		}
		name := levels[len(chosen)](i)
		if name == "latest" {
			name = "1.0.0"
		}
		if !matches || slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		all = append(all, object{"id": call.Path + "/" + name, "name": name, "location": resources.Location(call.Values["location"])})
	}
	return &resources.Answer{Status: http.StatusOK, Body: all}, nil
}

func oneImage(_ context.Context, call *resources.Call) (*resources.Answer, error) {
	return &resources.Answer{Status: http.StatusOK, Body: object{
		"id": call.Path, "name": call.Values["version"], "location": resources.Location(call.Values["location"]),
		"properties": object{"architecture": "x64", "hyperVGeneration": "V2", "osDiskImage": object{"operatingSystem": "Linux"}, "dataDiskImages": []any{}},
	}}, nil
}

package assets

import (
	"context"
	"fmt"

	azenc "github.com/Azure/azure-sdk-for-go/profiles/latest/compute/mgmt/compute"
	icazure "github.com/openshift/installer/pkg/asset/installconfig/azure"

	"github.com/aro-rp/aro/installer/document"
)

// cloud returns values of the request for what the assets read from Azure. They
// call these two methods; a call of any other panics on the nil interface, and the
// graph reports the asset.
type cloud struct {
	icazure.API
	sizes map[string]map[string]string // capabilities by size
}

func newCloud(req *document.Request) *cloud {
	return &cloud{sizes: map[string]map[string]string{
		req.Worker.VMSize: req.Worker.Capabilities,
		req.Master.VMSize: req.Master.Capabilities,
	}}
}

// GetVMCapabilities returns the capabilities of the size, which the caller read
// from Azure.
func (c *cloud) GetVMCapabilities(_ context.Context, size, _ string) (map[string]string, error) {
	known, ok := c.sizes[size]
	if !ok {
		return nil, fmt.Errorf("the request has no capabilities of %s", size)
	}
	return known, nil
}

// GetMarketplaceImage returns an image without a purchase plan.
func (*cloud) GetMarketplaceImage(context.Context, string, string, string, string, string) (azenc.VirtualMachineImage, error) {
	return azenc.VirtualMachineImage{VirtualMachineImageProperties: &azenc.VirtualMachineImageProperties{}}, nil
}

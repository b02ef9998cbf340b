package assets

import (
	"context"
	"fmt"

	azenc "github.com/Azure/azure-sdk-for-go/profiles/latest/compute/mgmt/compute"
	icazure "github.com/openshift/installer/pkg/asset/installconfig/azure"

	"github.com/aro-rp/aro/installer/document"
)

// cloud answers from the request what the assets ask of Azure. They ask these
// two questions; any other would be new, and panics on the nil interface, which
// the graph reports with the asset that asked.
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

// GetVMCapabilities are the size's, as the caller asked Azure for them.
func (c *cloud) GetVMCapabilities(_ context.Context, size, _ string) (map[string]string, error) {
	known, ok := c.sizes[size]
	if !ok {
		return nil, fmt.Errorf("the request has no capabilities of %s", size)
	}
	return known, nil
}

// GetMarketplaceImage is an image without a purchase plan, as all of ours are.
func (*cloud) GetMarketplaceImage(context.Context, string, string, string, string, string) (azenc.VirtualMachineImage, error) {
	return azenc.VirtualMachineImage{VirtualMachineImageProperties: &azenc.VirtualMachineImageProperties{}}, nil
}

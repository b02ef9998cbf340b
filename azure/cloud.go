package azure

import (
	"context"
	"net/http"

	"github.com/aro-rp/aro/azure/clouds"
)

// Cloud describes an Azure cloud.
type Cloud = clouds.Cloud

// FindCloud returns the cloud public or usgovernment, or the one that describes
// itself at an https URL.
func FindCloud(ctx context.Context, name string, transport *http.Client) (Cloud, error) {
	return clouds.Find(ctx, name, transport)
}

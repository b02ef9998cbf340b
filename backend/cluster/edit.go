package cluster

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/backend/azure"
)

// maxEdits is how often a change is made anew because somebody else wrote.
const maxEdits = 5

// editable is how a resource is read, with its ETag, and written.
type editable[T, R any] struct {
	read  func(context.Context) (*T, *string, error)
	write func(context.Context, T) (*runtime.Poller[R], error)
}

// edit changes a resource that others write too, if change says that it did.
// Azure refuses what was made of an older state; then it is made anew.
func edit[T, R any](ctx context.Context, clients *azure.Clients, e editable[T, R], change func(*T) (bool, error)) (err error) {
	for range maxEdits {
		var resource *T
		var etag *string
		if resource, etag, err = e.read(ctx); err != nil {
			return err
		}
		changed, err := change(resource)
		if err != nil || !changed {
			return err
		}
		poller, err := e.write(policy.WithHTTPHeader(ctx, http.Header{"If-Match": {deref(etag)}}), *resource)
		if err == nil {
			_, err = azure.PollUntilDone(ctx, clients, poller)
		}
		if !azure.Changed(err) {
			return err
		}
	}
	return err
}

// editBalancer changes a load balancer of a group. The cluster's own controllers
// write it too.
func editBalancer(ctx context.Context, clients *azure.Clients, group, name string, change func(*armnetwork.LoadBalancer) (bool, error)) error {
	return edit(ctx, clients, editable[armnetwork.LoadBalancer, armnetwork.LoadBalancersClientCreateOrUpdateResponse]{
		read: func(ctx context.Context) (*armnetwork.LoadBalancer, *string, error) {
			got, err := clients.LoadBalancers.Get(ctx, group, name, nil)
			if got.Properties == nil {
				got.Properties = &armnetwork.LoadBalancerPropertiesFormat{}
			}
			return &got.LoadBalancer, got.Etag, err
		},
		write: func(ctx context.Context, lb armnetwork.LoadBalancer) (*runtime.Poller[armnetwork.LoadBalancersClientCreateOrUpdateResponse], error) {
			return clients.LoadBalancers.BeginCreateOrUpdate(ctx, group, name, lb, nil)
		},
	}, change)
}

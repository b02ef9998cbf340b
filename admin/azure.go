package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/azure"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
)

// Azure gives access to the resources of clusters.
type Azure interface {
	Clients(subscription string, cred azcore.TokenCredential) (*azure.Clients, error)
	FirstParty(tenantID string) azcore.TokenCredential
	BlobsWithSAS(serviceURL, sas string) (*azblob.Client, error)
	SubjectOf(c *model.Cluster) azure.Subject
}

// azureTimeout bounds what is waited for Azure, unless an action has a limit of its own.
const azureTimeout = 45 * time.Second

// managed is the managed resource group of a cluster.
type managed struct {
	*azure.Clients
	cluster *model.Cluster
	group   string
}

// withAzure calls do with the managed resource group of the cluster of the path.
func (a *API) withAzure(c *call, do func(ctx context.Context, m *managed) error) error {
	if a.Azure == nil {
		return arm.RequestNotAllowed.Errorf("This process does not access Azure. It needs --first-party-client-id.")
	}
	cluster, err := a.cluster(c)
	if err != nil {
		return err
	}
	id := armhttp.ClusterID(c)
	clients, err := a.Azure.Clients(id.SubscriptionID, a.Azure.FirstParty(cluster.Internal.TenantID))
	if err != nil {
		return err
	}
	m := &managed{Clients: clients, cluster: cluster, group: lastPart(cluster.Properties.ClusterProfile.ResourceGroupID)}
	limit := azureTimeout
	if own := actions[c.Operation].limit; own > 0 {
		limit = own
	}
	ctx, cancel := context.WithTimeout(azure.WithCorrelation(c.Ctx(), c.Correlation()), limit)
	defer cancel()
	if err = m.check(ctx); err == nil {
		err = do(ctx, m)
	}
	return ofAzure(err, a.Azure.SubjectOf(cluster))
}

// azureStream is stream with the managed resource group.
func (a *API) azureStream(c *call, do func(ctx context.Context, m *managed, e *events) error) error {
	return a.stream(c, func(e *events) error {
		return a.withAzure(c, func(ctx context.Context, m *managed) error { return do(ctx, m, e) })
	})
}

func lastPart(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// check refuses a group that is not the cluster's: such a group is never touched.
func (m *managed) check(ctx context.Context) error {
	if m.group == "" {
		return arm.RequestNotAllowed.Errorf("The cluster has no managed resource group yet.")
	}
	group, err := m.Groups.Get(ctx, m.group, nil)
	if azure.NotFound(err) {
		return arm.RequestNotAllowed.Errorf("The managed resource group %s does not exist.", m.group)
	}
	if err == nil && !arm.EqualFold(optional(group.ManagedBy), m.cluster.ID) {
		return arm.RequestNotAllowed.Errorf("The resource group %s is not managed by the cluster.", m.group)
	}
	return err
}

// ofAzure is an error of Azure for the caller.
func ofAzure(err error, about azure.Subject) error {
	if err == nil {
		return nil
	}
	if _, own := errors.AsType[*arm.Error](err); own {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return arm.RequestNotAllowed.Errorf("Azure did not end the operation in time. It goes on there.").Because(err)
	}
	if azure.NotFound(err) {
		return arm.ResourceNotFound.Errorf("Azure has no such resource.").Because(err)
	}
	if explained, _ := azure.Explanation(err, about); explained != nil {
		return explained
	}
	return err
}

// AdminListResources lists what is in the managed resource group.
func (a *API) AdminListResources(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	return a.withAzure(c, func(ctx context.Context, m *managed) error {
		list := api.ResourceList{Value: []api.Resource{}}
		options := &armresources.ClientListByResourceGroupOptions{Expand: new("provisioningState,createdTime")}
		for pages := m.Resources.NewListByResourceGroupPager(m.group, options); pages.More(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, r := range page.Value {
				list.Value = append(list.Value, api.Resource{ID: optional(r.ID), Name: optional(r.Name), Type: optional(r.Type),
					Location: r.Location, ProvisioningState: r.ProvisioningState, CreatedAt: r.CreatedTime})
			}
		}
		return armhttp.Value(c, http.StatusOK, list)
	})
}

// kept are the types of resources that are not deleted: the cluster cannot live without
// them, and does not make them again.
var kept = []string{"Microsoft.Network/privateLinkServices", "Microsoft.Network/privateEndpoints"}

// deletable parses the id of a resource in the managed group that may be deleted.
func (m *managed) deletable(id string) (*azarm.ResourceID, error) {
	const parameter = "managedResourceID"
	parsed, err := azarm.ParseResourceID(id)
	if err != nil || parsed.Parent == nil || strings.ContainsAny(id, "?#%") {
		return nil, arm.InvalidParameter.At(parameter, "It must be the id of a resource.")
	}
	if !arm.EqualFold(parsed.SubscriptionID, m.Subscription) || !arm.EqualFold(parsed.ResourceGroupName, m.group) ||
		arm.EqualFold(parsed.ResourceType.String(), "Microsoft.Resources/resourceGroups") {
		return nil, arm.InvalidParameter.At(parameter, "The resource is not in the managed resource group %s.", m.group)
	}
	for _, one := range kept {
		if arm.EqualFold(parsed.ResourceType.String(), one) {
			return nil, arm.Forbidden.At(parameter, "Resources of type %s are not deleted.", one)
		}
	}
	if arm.EqualFold(parsed.ResourceType.Namespace, "Microsoft.Storage") {
		return nil, arm.Forbidden.At(parameter, "Storage of the cluster is not deleted.")
	}
	return parsed, nil
}

// AdminDeleteManagedResource deletes a resource of the managed group.
func (a *API) AdminDeleteManagedResource(ec echo.Context, _, _, _ string, p api.AdminDeleteManagedResourceParams) error {
	c := ec.(*call)
	c.Subject = p.ManagedResourceID
	return a.azureStream(c, func(ctx context.Context, m *managed, e *events) error {
		id, err := m.deletable(p.ManagedResourceID)
		if err != nil {
			return err
		}
		version, err := m.apiVersion(ctx, id.ResourceType)
		if err != nil {
			return err
		}
		if _, err := m.Resources.GetByID(ctx, id.String(), version, nil); err != nil {
			return err
		}
		if c.DryRun {
			e.report("the resource would be deleted")
			return nil
		}
		e.report("deleting the resource")
		_, err = azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armresources.ClientDeleteByIDResponse], error) {
			return m.Resources.BeginDeleteByID(ctx, id.String(), version, nil)
		})
		return err
	})
}

// apiVersion is the newest of a type that is not a preview, or the newest.
func (m *managed) apiVersion(ctx context.Context, of azarm.ResourceType) (string, error) {
	provider, err := m.Providers.Get(ctx, of.Namespace, nil)
	if err != nil {
		return "", err
	}
	for _, t := range provider.ResourceTypes {
		if !arm.EqualFold(optional(t.ResourceType), of.Type) {
			continue
		}
		newest := ""
		for _, version := range t.APIVersions {
			if v := optional(version); !strings.Contains(v, "preview") && v > newest {
				newest = v
			}
		}
		if newest == "" && len(t.APIVersions) > 0 {
			newest = optional(t.APIVersions[0])
		}
		if newest != "" {
			return newest, nil
		}
	}
	return "", arm.InvalidParameter.At("managedResourceID", "Azure does not know the type %s.", of.String())
}

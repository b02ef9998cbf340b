// Package previewfeature makes the features that a customer tries.
package previewfeature

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/arm"
	previewv1alpha1 "github.com/aro-rp/aro/operator/apis/preview/v1alpha1"
	"github.com/aro-rp/aro/operator/azureclient"
	"github.com/aro-rp/aro/operator/controller"
)

// New is the controller.
func New(open azureclient.Opener) controller.Spec {
	m := maker{open}
	return controller.Spec{
		Name: "PreviewFeature",
		Summary: "Makes what the object `previewfeatures.preview.aro.openshift.io/cluster` asks for. The one feature is flow logs of the cluster's network security " +
			"groups: one for each group, in the network watcher that is named. Disabled, it deletes them.",
		Watches: []controller.Watch{{Kind: previewv1alpha1.GroupVersion.WithKind("PreviewFeature"), Name: previewv1alpha1.SingletonName}},
		Rules: []controller.Rule{{Namespace: azureclient.MachineNamespace,
			PolicyRule: controller.ResourceRule("list", "machine.openshift.io", "machines machinesets")}},
		Reconcile: m.reconcile,
	}
}

type maker struct{ open azureclient.Opener }

func (m maker) reconcile(ctx context.Context, r *controller.Request) error {
	preview := &previewv1alpha1.PreviewFeature{ObjectMeta: metav1.ObjectMeta{Name: previewv1alpha1.SingletonName}}
	if err := r.Read(ctx, preview); err != nil {
		if apierrors.IsNotFound(err) {
			return nil // nothing is tried
		}
		return err
	}
	logs := preview.Spec.NSGFlowLogs
	if logs == nil {
		return nil
	}
	watcher, err := azarm.ParseResourceID(logs.NetworkWatcherID)
	if err != nil || !arm.EqualFold(watcher.ResourceType.String(), "Microsoft.Network/networkWatchers") {
		return fmt.Errorf("spec.nsgFlowLogs.networkWatcherID %q is no network watcher's id", logs.NetworkWatcherID)
	}
	account, err := m.open(ctx, r.Cluster.Spec.AZEnvironment)
	if err != nil {
		return err
	}
	groups, err := groupsOf(ctx, r, account)
	if err != nil {
		return err
	}
	c, err := armnetwork.NewFlowLogsClient(watcher.SubscriptionID, account.Credential, account.Options)
	if err != nil {
		return err
	}
	f := flowLogs{c, watcher}
	var failed []error
	for _, group := range groups {
		if logs.Enabled {
			failed = append(failed, f.enable(ctx, group, r.Cluster.Spec.Location, logs))
		} else {
			failed = append(failed, f.disable(ctx, group))
		}
	}
	return errors.Join(failed...)
}

// groupsOf are the network security groups of the cluster's subnets, each once.
func groupsOf(ctx context.Context, r *controller.Request, account *azureclient.Account) ([]*azarm.ResourceID, error) {
	subnets, err := azureclient.Subnets(ctx, r.Client, r.Cluster.Spec.ResourceID)
	if err != nil {
		return nil, err
	}
	var groups []*azarm.ResourceID
	seen := map[string]bool{}
	for _, s := range subnets {
		c, err := account.SubnetClient(s.ID)
		if err != nil {
			return nil, err
		}
		subnet, err := azureclient.ReadSubnet(ctx, c, s.ID)
		if err != nil {
			return nil, err
		}
		if subnet == nil || subnet.Properties.NetworkSecurityGroup == nil || subnet.Properties.NetworkSecurityGroup.ID == nil {
			continue
		}
		id, err := azarm.ParseResourceID(*subnet.Properties.NetworkSecurityGroup.ID)
		if err != nil {
			return nil, fmt.Errorf("network security group of %s: %w", s.ID, err)
		}
		if lower := strings.ToLower(id.String()); !seen[lower] {
			seen[lower] = true
			groups = append(groups, id)
		}
	}
	return groups, nil
}

// flowLogs are those of a network watcher.
type flowLogs struct {
	client  *armnetwork.FlowLogsClient
	watcher *azarm.ResourceID
}

// enable makes the flow log of a group, or makes it right.
func (f flowLogs) enable(ctx context.Context, group *azarm.ResourceID, location string, logs *previewv1alpha1.NSGFlowLogs) error {
	interval, err := time.ParseDuration(logs.TrafficAnalyticsInterval)
	if err != nil {
		return fmt.Errorf("spec.nsgFlowLogs.trafficAnalyticsInterval: %w", err)
	}
	target, yes, json := group.String(), true, armnetwork.FlowLogFormatTypeJSON
	version, minutes := int32(logs.Version), int32(interval/time.Minute) //nolint:gosec // the schema bounds both
	properties := &armnetwork.FlowLogPropertiesFormat{
		TargetResourceID: &target, StorageID: &logs.StorageAccountResourceID, Enabled: &yes,
		Format:          &armnetwork.FlowLogFormatParameters{Type: &json, Version: &version},
		RetentionPolicy: &armnetwork.RetentionPolicyParameters{Enabled: &yes, Days: &logs.RetentionDays},
	}
	analysed := logs.TrafficAnalyticsLogAnalyticsWorkspaceID != ""
	analytics := &armnetwork.TrafficAnalyticsConfigurationProperties{Enabled: &analysed}
	if analysed {
		analytics.WorkspaceResourceID, analytics.TrafficAnalyticsInterval = &logs.TrafficAnalyticsLogAnalyticsWorkspaceID, &minutes
	}
	properties.FlowAnalyticsConfiguration = &armnetwork.TrafficAnalyticsProperties{NetworkWatcherFlowAnalyticsConfiguration: analytics}
	poller, err := f.client.BeginCreateOrUpdate(ctx, f.watcher.ResourceGroupName, f.watcher.Name, group.Name, armnetwork.FlowLog{Location: &location, Properties: properties}, nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("make the flow log of %s: %w", group.Name, err)
	}
	return nil
}

func (f flowLogs) disable(ctx context.Context, group *azarm.ResourceID) error {
	poller, err := f.client.BeginDelete(ctx, f.watcher.ResourceGroupName, f.watcher.Name, group.Name, nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, nil)
	}
	var refused *azcore.ResponseError
	if err != nil && (!errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound) {
		return fmt.Errorf("delete the flow log of %s: %w", group.Name, err)
	}
	return nil
}

package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// SampleCluster returns the n-th of many clusters for benchmarks, with every member
// that is usual in production. A thousand of them share a subscription.
func SampleCluster(n int) *store.ClusterDocument {
	subscription := fmt.Sprintf("00000000-0000-0000-0000-%012d", n/1000)
	name := fmt.Sprintf("cluster-%06d", n)
	group := "/subscriptions/" + subscription + "/resourceGroups/aro-" + name
	id := "/subscriptions/" + subscription + "/resourceGroups/group/providers/Microsoft.RedHatOpenShift/openShiftClusters/" + name
	subnets := "/subscriptions/" + subscription + "/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/vnet/subnets/"
	at := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	doc := &store.ClusterDocument{
		Meta:                 store.Meta{Partition: subscription, ID: "group|" + name},
		ManagedResourceGroup: arm.ToLower(group),
		ClientIdentity:       fmt.Sprintf("11111111-0000-0000-0000-%012d", n),
	}
	doc.Cluster = model.Cluster{
		ID: id, Name: name, Type: "Microsoft.RedHatOpenShift/OpenShiftClusters", Location: "westeurope",
		Tags: map[string]string{"team": "payments", "environment": "production"},
		SystemData: &model.SystemData{CreatedBy: "someone@example.com", CreatedByType: "User", CreatedAt: &at,
			LastModifiedBy: "someone@example.com", LastModifiedByType: "User", LastModifiedAt: &at},
		Properties: model.Properties{
			ProvisioningState: "Succeeded",
			ClusterProfile: model.ClusterProfile{Domain: name, Version: "4.17.27", ResourceGroupID: group,
				FIPSValidatedModules: model.Disabled, PullSecret: model.Secret(strings.Repeat("p", 2800))},
			ConsoleProfile:          model.ConsoleProfile{URL: "https://console-openshift-console.apps." + name + ".westeurope.aroapp.io/"},
			ServicePrincipalProfile: &model.ServicePrincipalProfile{ClientID: doc.ClientIdentity, ClientSecret: "a-client-secret-of-usual-length", ObjectID: doc.ClientIdentity},
			NetworkProfile: model.NetworkProfile{PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16", OutboundType: model.LoadBalancer,
				PreconfiguredNSG: model.Disabled, LoadBalancerProfile: &model.LoadBalancerProfile{
					ManagedOutboundIPs:   &model.ManagedOutboundIPs{Count: 1},
					EffectiveOutboundIPs: []model.ResourceReference{{ID: group + "/providers/Microsoft.Network/publicIPAddresses/" + name + "-pip-v4"}},
				}},
			MasterProfile:    model.MasterProfile{VMSize: "Standard_D8s_v5", SubnetID: subnets + "master", EncryptionAtHost: model.Disabled},
			APIServerProfile: model.APIServerProfile{Visibility: model.Public, URL: "https://api." + name + ".westeurope.aroapp.io:6443/", IP: "20.1.2.3", InternalIP: "10.0.0.4"},
			IngressProfiles:  []model.IngressProfile{{Name: "default", Visibility: model.Public, IP: "20.1.2.4"}},
		},
		Internal: model.Internal{UID: doc.ClientIdentity, Revision: 7, CreatedAt: at, CreatedBy: "v1.2.3", ProvisionedBy: "v1.2.3",
			TenantID: subscription, LastProvisioningState: "Creating", InfraID: name + "-x7k2p",
			AdminKubeconfig: model.Secret(strings.Repeat("k", 9000)), UserAdminKubeconfig: model.Secret(strings.Repeat("k", 9000)),
			KubeadminPassword: "AAAAA-BBBBB-CCCCC-DDDDD"},
	}
	for i := 1; i <= 3; i++ {
		doc.Cluster.Properties.WorkerProfilesStatus = append(doc.Cluster.Properties.WorkerProfilesStatus, model.WorkerProfile{
			Name: fmt.Sprintf("%s-x7k2p-worker-westeurope%d", name, i), VMSize: "Standard_D4s_v5", DiskSizeGB: 128,
			SubnetID: subnets + "worker", Count: 1, EncryptionAtHost: model.Disabled,
		})
	}
	for _, state := range []model.ProvisioningState{"Creating", "Succeeded"} {
		doc.Cluster.Internal.Transitions = append(doc.Cluster.Internal.Transitions, model.Transition{At: at, To: state, OperationID: doc.ClientIdentity})
	}
	return doc
}

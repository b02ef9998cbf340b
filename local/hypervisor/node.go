package hypervisor

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/aro-rp/aro/local/release"
)

// simulated marks what consoles and nodes call the system that machines run.
const simulated = " (simulated)"

const rolePrefix = "node-role.kubernetes.io/"

// nodeName is the name of the machine's host, for which Azure gives no other.
func nodeName(vm VM) string { return strings.ToLower(vm.Name) }

// follow sets the kubelet's version to that of the cluster, whose updates reach its
// machines, too. Until the cluster answers it is that of the machine's image.
func (k *kubelet) follow() {
	if info, err := k.client.Discovery().ServerVersion(); err == nil && info.GitVersion != "" {
		k.version = info.GitVersion
	}
}

// register makes the machine's node, or corrects the one that an earlier boot made.
func (k *kubelet) register(ctx context.Context) error {
	k.follow()
	want := k.node(time.Now())
	nodes := k.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, want, metav1.CreateOptions{})
	switch {
	case err == nil:
		k.reported = time.Now()
	case apierrors.IsAlreadyExists(err):
		err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
			have, err := nodes.Get(ctx, want.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if have.Labels == nil {
				have.Labels = map[string]string{}
			}
			maps.Copy(have.Labels, want.Labels)
			have.Spec.ProviderID = want.Spec.ProviderID
			_, err = nodes.Update(ctx, have, metav1.UpdateOptions{})
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("node %s: %w", want.Name, err)
	}
	if err := k.renew(ctx); err != nil {
		return err
	}
	return k.report(ctx, true)
}

// report writes the node's status; what others wrote into it stays.
func (k *kubelet) report(ctx context.Context, ready bool) error {
	k.follow()
	nodes := k.client.CoreV1().Nodes()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		have, err := nodes.Get(ctx, nodeName(k.vm), metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := time.Now()
		want := k.node(now).Status
		have.Status.Capacity, have.Status.Allocatable = want.Capacity, want.Allocatable
		have.Status.Addresses, have.Status.NodeInfo, have.Status.DaemonEndpoints = want.Addresses, want.NodeInfo, want.DaemonEndpoints
		for _, condition := range healthy(now, ready) {
			have.Status.Conditions = setCondition(have.Status.Conditions, condition)
		}
		_, err = nodes.UpdateStatus(ctx, have, metav1.UpdateOptions{})
		return err
	})
	if err == nil {
		k.reported = time.Now()
	}
	return err
}

// renew keeps the node's heartbeat going.
func (k *kubelet) renew(ctx context.Context) error {
	name, seconds, now := nodeName(k.vm), leaseSeconds, metav1.NewMicroTime(time.Now())
	leases := k.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		lease, err := leases.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		lease.Spec.RenewTime = &now
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		err = k.createLease(ctx, coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now})
	}
	if apierrors.IsAlreadyExists(err) { // an earlier process of the node made it just now
		err = nil
	}
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	return nil
}

// createLease makes a lease that is owned by the node and deleted with it.
func (k *kubelet) createLease(ctx context.Context, spec coordinationv1.LeaseSpec) error {
	node, err := k.client.CoreV1().Nodes().Get(ctx, nodeName(k.vm), metav1.GetOptions{})
	if err != nil {
		return err
	}
	lease := &coordinationv1.Lease{Spec: spec, ObjectMeta: metav1.ObjectMeta{
		Name:            node.Name,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}},
	}}
	_, err = k.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Create(ctx, lease, metav1.CreateOptions{})
	return err
}

// node is the Node object that the kubelet and the cloud's node manager would write.
func (k *kubelet) node(now time.Time) *corev1.Node {
	vm, name := k.vm, nodeName(k.vm)
	capacity := capacityOf(vm)
	zone := "0" // what a machine outside of zones has
	if vm.Zone != "" {
		zone = strings.ToLower(vm.Location) + "-" + vm.Zone
	}
	version := k.version
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname:               name,
			corev1.LabelInstanceTypeStable:     vm.Size,
			corev1.LabelInstanceType:           vm.Size,
			corev1.LabelOSStable:               "linux",
			corev1.LabelArchStable:             "amd64",
			corev1.LabelTopologyRegion:         strings.ToLower(vm.Location),
			corev1.LabelTopologyZone:           zone,
			"topology.disk.csi.azure.com/zone": strings.TrimPrefix(zone, "0"),
			"node.openshift.io/os_id":          "rhcos",
		}},
		Spec: corev1.NodeSpec{ProviderID: providerID(vm)},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity, Conditions: healthy(now, true),
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeHostName, Address: name},
				{Type: corev1.NodeInternalIP, Address: vm.PrivateIP},
			},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubeletPort}},
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem: "linux", Architecture: "amd64", KernelVersion: "5.14.0",
				OSImage:   release.System(version) + simulated,
				MachineID: digest(vm.ID), SystemUUID: digest(vm.ID), BootID: k.boot,
				KubeletVersion: version, ContainerRuntimeVersion: "cri-o://" + strings.TrimPrefix(version, "v"),
			},
		},
	}
	switch k.disk.Role {
	case roleMaster:
		node.Labels[rolePrefix+"master"], node.Labels[rolePrefix+"control-plane"] = "", ""
		node.Spec.Taints = []corev1.Taint{{Key: rolePrefix + "master", Effect: corev1.TaintEffectNoSchedule}}
	default:
		node.Labels[rolePrefix+"worker"] = ""
		node.Labels[rolePrefix+k.disk.Role] = ""
	}
	return node
}

// providerID is the resource id as the cloud controller spells it.
func providerID(vm VM) string {
	parts := strings.Split(vm.ID, "/")
	if len(parts) < 3 {
		return "azure://" + vm.ID
	}
	return fmt.Sprintf("azure:///subscriptions/%s/resourceGroups/%s/providers/Microsoft.Compute/virtualMachines/%s",
		parts[2], strings.ToLower(vm.ResourceGroup), vm.Name)
}

// healthy is what a kubelet without worries reports, or one that shuts down.
func healthy(now time.Time, ready bool) []corev1.NodeCondition {
	at := metav1.NewTime(now)
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: at, LastTransitionTime: at}
	}
	state := condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status")
	if !ready {
		state = condition(corev1.NodeReady, corev1.ConditionFalse, "KubeletNotReady", "node is shutting down")
	}
	return []corev1.NodeCondition{
		condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
		condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
		condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
		state,
	}
}

// setCondition replaces the condition of that type and keeps since when it holds.
func setCondition(all []corev1.NodeCondition, condition corev1.NodeCondition) []corev1.NodeCondition {
	for i, have := range all {
		if have.Type != condition.Type {
			continue
		}
		if have.Status == condition.Status {
			condition.LastTransitionTime = have.LastTransitionTime
		}
		all[i] = condition
		return all
	}
	return append(all, condition)
}

// imagePattern finds the release in the SKU of an image: aro_419, 419-v2.
var imagePattern = regexp.MustCompile(`4([0-9]{2})\b`)

// kubeletVersion is the Kubernetes of the image's OpenShift.
func kubeletVersion(imageSKU string) string {
	if m := imagePattern.FindStringSubmatch(imageSKU); m != nil {
		return release.Kubernetes("4." + m[1])
	}
	return release.Built
}

// sizePattern finds the family and the number of cores in the name of a size.
var sizePattern = regexp.MustCompile(`(?i)^Standard_([A-Z]+)([0-9]+)`)

// gibPerCore is the memory of the families that are not general purpose.
var gibPerCore = map[string]int64{"E": 8, "F": 2, "L": 8, "M": 28}

// capacityOf guesses well enough what a machine offers.
func capacityOf(vm VM) corev1.ResourceList {
	cores, memory := int64(4), int64(4)
	if m := sizePattern.FindStringSubmatch(vm.Size); m != nil {
		if n, err := strconv.ParseInt(m[2], 10, 32); err == nil && n > 0 {
			cores = n
		}
		if n, ok := gibPerCore[strings.ToUpper(m[1][:1])]; ok {
			memory = n
		}
	}
	disk := int64(max(vm.DiskGB, 30))
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(cores, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(cores*memory<<30, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(disk<<30, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(250, resource.DecimalSI),
	}
}

package openshift

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/backend/controlplane"
)

const (
	rolePrefix = "node-role.kubernetes.io/"
	zones      = 3
)

// nodes are what the Spec asks for. Their names depend on nothing but the Spec,
// so a pool that shrinks loses its last nodes and keeps the others.
func nodes(spec controlplane.Spec, now time.Time) []*corev1.Node {
	spec.Location = dnsWord(spec.Location)
	var all []*corev1.Node
	for i := range spec.Masters.Count {
		name := fmt.Sprintf("%s-master-%d", spec.InfraID, i)
		node := newNode(spec, name, i, spec.Masters.VMSize, now)
		node.Labels[rolePrefix+"master"] = ""
		node.Labels[rolePrefix+"control-plane"] = ""
		node.Spec.Taints = []corev1.Taint{{Key: rolePrefix + "master", Effect: corev1.TaintEffectNoSchedule}}
		setAddresses(node, fmt.Sprintf("10.0.0.%d", 10+i%200))
		all = append(all, node)
	}
	position := map[string]int{} // pools of one name share their numbering
	for _, pool := range spec.Workers {
		name := cmp.Or(dnsWord(pool.Name), "worker")
		for range pool.Count {
			i := position[name]
			position[name]++
			node := newNode(spec, workerName(spec, name, i), i, pool.VMSize, now)
			node.Labels[rolePrefix+"worker"] = ""
			setAddresses(node, fmt.Sprintf("10.0.2.%d", 10+i%200))
			all = append(all, node)
		}
	}
	return all
}

// workerName looks as if a machine set per zone had made the node.
func workerName(spec controlplane.Spec, pool string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", spec.InfraID, pool, i))
	suffix := base32.StdEncoding.EncodeToString(sum[:])[:5]
	return fmt.Sprintf("%s-%s-%s%d-%s", spec.InfraID, pool, spec.Location, i%zones+1, strings.ToLower(suffix))
}

// dnsWord leaves of a name what the name of a node may hold.
func dnsWord(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '-' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name)), "-")
}

func newNode(spec controlplane.Spec, name string, i int, vmSize string, now time.Time) *corev1.Node {
	capacity := capacityOf(vmSize)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				simulated:                          "true",
				corev1.LabelHostname:               name,
				corev1.LabelInstanceTypeStable:     vmSize,
				corev1.LabelOSStable:               "linux",
				corev1.LabelArchStable:             "amd64",
				corev1.LabelTopologyRegion:         spec.Location,
				corev1.LabelTopologyZone:           fmt.Sprintf("%s-%d", spec.Location, i%zones+1),
				"node.openshift.io/os_id":          "rhcos",
				"beta.kubernetes.io/instance-type": vmSize,
			},
		},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Conditions:  healthy(now),
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem:         "linux",
				Architecture:            "amd64",
				OSImage:                 "Red Hat Enterprise Linux CoreOS (simulated) for OpenShift " + spec.Version,
				KernelVersion:           "5.14.0",
				KubeletVersion:          kubeletVersion(spec.Version),
				ContainerRuntimeVersion: "cri-o://" + strings.TrimPrefix(kubeletVersion(spec.Version), "v"),
			},
		},
	}
}

func setAddresses(node *corev1.Node, ip string) {
	node.Status.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: ip},
		{Type: corev1.NodeHostName, Address: node.Name},
	}
}

// healthy is what a kubelet without worries reports.
func healthy(now time.Time) []corev1.NodeCondition {
	at := metav1.NewTime(now)
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason string) corev1.NodeCondition {
		return corev1.NodeCondition{
			Type: kind, Status: status, Reason: reason, Message: "simulated",
			LastHeartbeatTime: at, LastTransitionTime: at,
		}
	}
	return []corev1.NodeCondition{
		condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory"),
		condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure"),
		condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID"),
		condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady"),
	}
}

// kubeletVersion is the Kubernetes of an OpenShift release: 4.y has 1.(y+13).
func kubeletVersion(openshift string) string {
	parts := strings.Split(openshift, ".")
	if len(parts) == 3 {
		if minor, err := strconv.Atoi(parts[1]); err == nil {
			return fmt.Sprintf("v1.%d.%s", minor+13, parts[2])
		}
	}
	return "v1.0.0"
}

// vmSizePattern finds the family and the number of cores in the name of a size.
var vmSizePattern = regexp.MustCompile(`^Standard_([A-Z]+)([0-9]+)`)

// gibPerCore is the memory of the families that are not general purpose.
var gibPerCore = map[string]int64{"E": 8, "F": 2, "L": 8, "M": 28}

// capacityOf guesses well enough what a machine of the size offers.
func capacityOf(vmSize string) corev1.ResourceList {
	cores, memory := int64(4), int64(4)
	if m := vmSizePattern.FindStringSubmatch(vmSize); m != nil {
		if n, err := strconv.ParseInt(m[2], 10, 32); err == nil && n > 0 {
			cores = n
		}
		if n, ok := gibPerCore[m[1][:1]]; ok {
			memory = n
		}
	}
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(cores, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(cores*memory<<30, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(128<<30, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(250, resource.DecimalSI),
	}
}

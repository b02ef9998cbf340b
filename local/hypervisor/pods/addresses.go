package pods

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// reserved addresses at the start of a node's range are the network's own.
const reserved = 2

// addresses are those of the node's pods.
type addresses struct {
	free  netip.Prefix
	taken map[netip.Addr]types.UID
}

// address gives the pod an address of the node's range, or the machine's own.
func (n *Node) address(ctx context.Context, pod *corev1.Pod) error {
	status := &pod.Status
	status.HostIP, status.HostIPs = n.Address, []corev1.HostIP{{IP: n.Address}}
	if status.PodIP != "" {
		return nil
	}
	ip := n.Address
	if !pod.Spec.HostNetwork {
		free, err := n.freeAddress(ctx, pod.UID)
		if err != nil {
			return err
		}
		ip = free.String()
	}
	status.PodIP, status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	return nil
}

func (n *Node) freeAddress(ctx context.Context, uid types.UID) (netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := &n.addresses
	if !a.free.IsValid() {
		node, err := n.Client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil {
			return netip.Addr{}, err
		}
		if node.Spec.PodCIDR == "" {
			return netip.Addr{}, errors.New("the node has no range of addresses yet")
		}
		if a.free, err = netip.ParsePrefix(node.Spec.PodCIDR); err != nil {
			return netip.Addr{}, fmt.Errorf("the node's range of addresses: %w", err)
		}
		a.taken = map[netip.Addr]types.UID{}
	}
	alive := map[types.UID]bool{}
	for _, object := range n.pods.List() {
		pod := object.(*corev1.Pod)
		alive[pod.UID] = !finished(pod)
		if ip, err := netip.ParseAddr(pod.Status.PodIP); err == nil && alive[pod.UID] {
			a.taken[ip] = pod.UID
		}
	}
	ip := a.free.Masked().Addr()
	for range reserved {
		ip = ip.Next()
	}
	for ; a.free.Contains(ip); ip = ip.Next() {
		if owner, taken := a.taken[ip]; !taken || owner == uid || !alive[owner] {
			a.taken[ip] = uid
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("all addresses of %s are taken", a.free)
}

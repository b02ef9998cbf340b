package operators

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// nowhere are the addresses of services whose load balancers are simulated: they are reserved for
// documentation (RFC 5737), so no traffic reaches another host.
var nowhere = netip.MustParsePrefix("203.0.113.0/24")

// loadBalancers gives services the addresses that the cloud controller would give them, with a note
// that they cannot be reached. The router's address is from Azure.
func (o *operators) loadBalancers(ctx context.Context) (time.Duration, error) {
	var list corev1.ServiceList
	if err := o.client.List(ctx, &list); err != nil {
		return 0, err
	}
	taken := map[string]bool{}
	for i := range list.Items {
		for _, ingress := range list.Items[i].Status.LoadBalancer.Ingress {
			taken[ingress.IP] = true
		}
	}
	var errs []error
	for i := range list.Items {
		service := &list.Items[i]
		isRouter := service.Namespace == ingressNamespace && service.Annotations[fixedAddress] != ""
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.LoadBalancerClass != nil ||
			len(service.Status.LoadBalancer.Ingress) > 0 || isRouter {
			continue
		}
		address := freeAddress(taken)
		if address == "" {
			return 0, fmt.Errorf("all simulated addresses of load balancers are taken: %s", nowhere)
		}
		taken[address] = true
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address, IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}}
		if err := o.client.Status().Update(ctx, service); err != nil {
			errs = append(errs, client.IgnoreNotFound(err))
			continue
		}
		errs = append(errs, o.tellSimulated(ctx, service, address))
	}
	return 0, errors.Join(errs...)
}

func freeAddress(taken map[string]bool) string {
	for ip := nowhere.Addr().Next(); nowhere.Contains(ip); ip = ip.Next() {
		if !taken[ip.String()] {
			return ip.String()
		}
	}
	return ""
}

func (o *operators) tellSimulated(ctx context.Context, service *corev1.Service, address string) error {
	now := metav1.Now()
	return o.client.Create(ctx, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: service.Namespace, GenerateName: service.Name + "."},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Service", Namespace: service.Namespace, Name: service.Name, UID: service.UID},
		Type:           corev1.EventTypeNormal, Reason: "Simulated", Count: 1, FirstTimestamp: now, LastTimestamp: now,
		Message: "The load balancer is simulated: nothing listens on " + address + ".",
		Source:  corev1.EventSource{Component: "service-controller"},
	})
}

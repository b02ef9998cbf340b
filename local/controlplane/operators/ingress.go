package operators

import (
	"context"
	"fmt"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	ingressNamespace = "openshift-ingress"
	// fixedAddress is the annotation that requests an address from the cloud controller.
	fixedAddress = "service.beta.kubernetes.io/azure-load-balancer-ipv4"
	routers      = 2
)

// ingress gives the router's service its address, as the cloud controller does,
// and reports what the router could serve.
func (o *operators) ingress(ctx context.Context) (time.Duration, error) {
	n, err := o.nodes(ctx)
	if err != nil {
		return 0, err
	}
	address, err := o.balance(ctx, n)
	if err != nil {
		return 0, fmt.Errorf("router's service: %w", err)
	}
	var list operatorv1.IngressControllerList
	if err := o.client.List(ctx, &list); err != nil {
		return 0, err
	}
	for i := range list.Items {
		if err := o.reportIngress(ctx, &list.Items[i], n, address); err != nil {
			return 0, fmt.Errorf("ingress controller: %w", err)
		}
	}
	return 0, o.reportIngressConfig(ctx)
}

// balance waits with the address for a node that traffic could go to.
func (o *operators) balance(ctx context.Context, n nodes) (string, error) {
	service := &corev1.Service{}
	err := o.client.Get(ctx, client.ObjectKey{Namespace: ingressNamespace, Name: "router-default"}, service)
	if err != nil {
		return "", client.IgnoreNotFound(err)
	}
	address := service.Annotations[fixedAddress]
	if address == "" || service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return "", nil
	}
	given := service.Status.LoadBalancer.Ingress
	if len(given) == 1 && given[0].IP == address {
		return address, nil
	}
	if n.readyWorkers == 0 {
		return "", nil
	}
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address, IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}}
	return address, o.client.Status().Update(ctx, service)
}

func (o *operators) reportIngress(ctx context.Context, controller *operatorv1.IngressController, n nodes, address string) error {
	status := controller.Status.DeepCopy()
	want := int(ptr.Deref(controller.Spec.Replicas, routers))
	running := min(want, n.readyWorkers)
	enough := n.enoughWorkers() && (controller.Name != "default" || address != "")
	status.AvailableReplicas = int32(running)
	status.ObservedGeneration = controller.Generation
	status.Selector = "ingresscontroller.operator.openshift.io/deployment-ingresscontroller=" + controller.Name
	if status.Domain = controller.Spec.Domain; status.Domain == "" {
		status.Domain = "apps." + o.release.Domain
	}
	status.EndpointPublishingStrategy = controller.Spec.EndpointPublishingStrategy
	if status.EndpointPublishingStrategy == nil {
		status.EndpointPublishingStrategy = &operatorv1.EndpointPublishingStrategy{
			Type:         operatorv1.LoadBalancerServiceStrategyType,
			LoadBalancer: &operatorv1.LoadBalancerStrategy{Scope: operatorv1.ExternalLoadBalancer, DNSManagementPolicy: operatorv1.UnmanagedLoadBalancerDNS},
		}
	}
	certificate, problem, err := o.defaultCertificate(ctx, controller)
	if err != nil {
		return err
	}
	message := fmt.Sprintf("%d of %d routers can run", running, want)
	setOperatorCondition(&status.Conditions, operatorv1.OperatorStatusTypeAvailable, enough, word(enough, "RoutersAvailable", "RoutersUnavailable"), message)
	setOperatorCondition(&status.Conditions, operatorv1.OperatorStatusTypeProgressing, !enough, word(enough, "AsExpected", "RoutersUnavailable"), message)
	setOperatorCondition(&status.Conditions, operatorv1.OperatorStatusTypeDegraded, problem != "", word(problem == "", "AsExpected", "InvalidDefaultCertificate"), problem)
	setOperatorCondition(&status.Conditions, "LoadBalancerReady", address != "", word(address != "", "LoadBalancerProvisioned", "LoadBalancerPending"), address)
	setOperatorCondition(&status.Conditions, "DefaultCertificate", certificate != "" && problem == "", word(problem == "", "SecretFound", "SecretMissing"), certificate)
	if equality.Semantic.DeepEqual(status, &controller.Status) {
		return nil
	}
	controller.Status = *status
	return o.client.Status().Update(ctx, controller)
}

func word(holds bool, yes, no string) string {
	if holds {
		return yes
	}
	return no
}

// defaultCertificate is the name of the secret that the router presents; problem is why it cannot.
func (o *operators) defaultCertificate(ctx context.Context, controller *operatorv1.IngressController) (name, problem string, err error) {
	reference := controller.Spec.DefaultCertificate
	if reference == nil {
		return "router-certs-" + controller.Name, "", nil
	}
	var secret corev1.Secret
	err = o.client.Get(ctx, client.ObjectKey{Namespace: ingressNamespace, Name: reference.Name}, &secret)
	if client.IgnoreNotFound(err) != nil {
		return "", "", err
	}
	if err != nil || len(secret.Data[corev1.TLSCertKey]) == 0 || len(secret.Data[corev1.TLSPrivateKeyKey]) == 0 {
		return reference.Name, fmt.Sprintf("secret %s/%s of the default certificate is missing or has no certificate", ingressNamespace, reference.Name), nil //nolint:nilerr // the problem tells it
	}
	return reference.Name, "", nil
}

func (o *operators) reportIngressConfig(ctx context.Context) error {
	var config configv1.Ingress
	if err := o.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &config); err != nil {
		return client.IgnoreNotFound(err)
	}
	if config.Status.DefaultPlacement == configv1.DefaultPlacementWorkers {
		return nil
	}
	config.Status.DefaultPlacement = configv1.DefaultPlacementWorkers
	return o.client.Status().Update(ctx, &config)
}

// defaultIngress is the controller that every cluster has.
func defaultIngress() *operatorv1.IngressController {
	return &operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-ingress-operator", Name: "default"}}
}

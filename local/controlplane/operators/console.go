package operators

import (
	"context"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	routev1 "github.com/openshift/api/route/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const consoleNamespace = "openshift-console"

// console publishes the console's address once its operator is enabled.
func (o *operators) console(ctx context.Context) (time.Duration, error) {
	var operator operatorv1.Console
	if err := o.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &operator); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	host := "console-openshift-console.apps." + o.release.Domain
	for name, host := range map[string]string{"console": host, "downloads": "downloads-openshift-console.apps." + o.release.Domain} {
		if err := o.create(ctx, route(name, host)); err != nil {
			return 0, err
		}
	}
	public := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config-managed", Name: "console-public"},
		Data:       map[string]string{"consoleURL": "https://" + host},
	}
	if err := o.create(ctx, public); err != nil {
		return 0, err
	}
	status := operator.Status.DeepCopy()
	status.ObservedGeneration = operator.Generation
	if !equality.Semantic.DeepEqual(status, &operator.Status) {
		operator.Status = *status
		if err := o.client.Status().Update(ctx, &operator); err != nil {
			return 0, err
		}
	}
	var config configv1.Console
	if err := o.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &config); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	if config.Status.ConsoleURL == "https://"+host {
		return 0, nil
	}
	config.Status.ConsoleURL = "https://" + host
	return 0, o.client.Status().Update(ctx, &config)
}

func route(name, host string) *routev1.Route {
	return &routev1.Route{
		ObjectMeta: metav1.ObjectMeta{Namespace: consoleNamespace, Name: name},
		Spec: routev1.RouteSpec{
			Host:           host,
			To:             routev1.RouteTargetReference{Kind: "Service", Name: name, Weight: ptr.To[int32](100)},
			TLS:            &routev1.TLSConfig{Termination: routev1.TLSTerminationReencrypt, InsecureEdgeTerminationPolicy: routev1.InsecureEdgeTerminationPolicyRedirect},
			WildcardPolicy: routev1.WildcardPolicyNone,
		},
	}
}

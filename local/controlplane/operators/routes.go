package operators

import (
	"context"
	"errors"
	"fmt"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	routev1 "github.com/openshift/api/route/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// defaultRouter is the ingress controller that every cluster has.
const defaultRouter = "default"

// routes gives routes a host and admits them, as the route's API server and the
// default router do, while there is a router. Of two with the same host and path the
// older one has it.
func (o *operators) routes(ctx context.Context) (time.Duration, error) {
	router := defaultIngress()
	if err := o.client.Get(ctx, client.ObjectKeyFromObject(router), router); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	if router.Status.AvailableReplicas == 0 {
		return 0, nil
	}
	var list routev1.RouteList
	if err := o.client.List(ctx, &list); err != nil {
		return 0, err
	}
	owners := map[string]*routev1.Route{}
	for i := range list.Items {
		r := &list.Items[i]
		address := r.Spec.Host + r.Spec.Path
		if owner := owners[address]; r.Spec.Host != "" && (owner == nil || r.CreationTimestamp.Before(&owner.CreationTimestamp)) {
			owners[address] = r
		}
	}
	var errs []error
	for i := range list.Items {
		r := &list.Items[i]
		if err := o.admit(ctx, r, owners[r.Spec.Host+r.Spec.Path], router); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("route %s/%s: %w", r.Namespace, r.Name, err))
		}
	}
	return 0, errors.Join(errs...)
}

func (o *operators) admit(ctx context.Context, r, owner *routev1.Route, router *operatorv1.IngressController) error {
	if r.Spec.Host == "" {
		patch := client.MergeFrom(r.DeepCopy())
		r.Spec.Host = r.Name + "-" + r.Namespace + "." + router.Status.Domain
		return o.client.Patch(ctx, r, patch) // the next look admits it
	}
	condition := routev1.RouteIngressCondition{Type: routev1.RouteAdmitted, Status: corev1.ConditionTrue}
	if owner != nil && owner.UID != r.UID {
		condition.Status, condition.Reason = corev1.ConditionFalse, "HostAlreadyClaimed"
		condition.Message = fmt.Sprintf("route %s already exposes %s and is older", owner.Name, r.Spec.Host)
		if owner.Namespace != r.Namespace {
			condition.Message = fmt.Sprintf("a route in another namespace holds %s and is older than %s", r.Spec.Host, r.Name)
		}
	}
	want := routev1.RouteIngress{
		Host: r.Spec.Host, RouterName: defaultRouter, WildcardPolicy: routev1.WildcardPolicyNone,
		RouterCanonicalHostname: "router-" + defaultRouter + "." + router.Status.Domain,
	}
	status := r.Status.DeepCopy()
	place := -1
	for i := range status.Ingress {
		if status.Ingress[i].RouterName == defaultRouter {
			place = i
		}
	}
	if place < 0 {
		place = len(status.Ingress)
		status.Ingress = append(status.Ingress, want)
	}
	now := metav1.Now()
	condition.LastTransitionTime = &now
	for _, have := range status.Ingress[place].Conditions {
		if have.Type == condition.Type && have.Status == condition.Status {
			condition.LastTransitionTime = have.LastTransitionTime
		}
	}
	want.Conditions = []routev1.RouteIngressCondition{condition}
	status.Ingress[place] = want
	if equality.Semantic.DeepEqual(status, &r.Status) {
		return nil
	}
	r.Status = *status
	return o.client.Status().Update(ctx, r)
}

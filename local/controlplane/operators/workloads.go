package operators

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/local/platform"
)

// routerDeployment is as large as the default ingress controller says.
const routerDeployment = "router-default"

// workloads gives deployments and stateful sets of the platform back the size that their operators want.
func (o *operators) workloads(ctx context.Context) (time.Duration, error) {
	var errs []error
	for _, object := range platform.Objects() {
		var wanted *int32
		have := object.DeepCopyObject().(client.Object)
		switch object := object.(type) {
		case *appsv1.Deployment:
			wanted = object.Spec.Replicas
		case *appsv1.StatefulSet:
			wanted = object.Spec.Replicas
		default:
			continue
		}
		err := o.client.Get(ctx, client.ObjectKeyFromObject(object), have)
		if err == nil && have.GetName() == routerDeployment {
			wanted, err = o.routers(ctx, wanted)
		}
		if err == nil {
			err = o.resize(ctx, have, *wanted)
		}
		if client.IgnoreNotFound(err) != nil { // what was deleted is made again with the other defaults
			errs = append(errs, fmt.Errorf("%T %s: %w", object, object.GetName(), err))
		}
	}
	return 0, errors.Join(errs...)
}

func (o *operators) routers(ctx context.Context, otherwise *int32) (*int32, error) {
	router := defaultIngress()
	if err := o.client.Get(ctx, client.ObjectKeyFromObject(router), router); err != nil || router.Spec.Replicas == nil {
		return otherwise, client.IgnoreNotFound(err)
	}
	return router.Spec.Replicas, nil
}

func (o *operators) resize(ctx context.Context, object client.Object, wanted int32) error {
	var have *int32
	switch object := object.(type) {
	case *appsv1.Deployment:
		have = object.Spec.Replicas
	case *appsv1.StatefulSet:
		have = object.Spec.Replicas
	}
	if have != nil && *have == wanted {
		return nil
	}
	return o.client.Patch(ctx, object, client.RawPatch(client.Merge.Type(), fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, wanted)))
}

// unavailable says which deployment of an operator has no available pods; empty if none.
func (o *operators) unavailable(ctx context.Context, operator string) (string, error) {
	for _, name := range platform.Deployments(operator) {
		var deployment appsv1.Deployment
		err := o.client.Get(ctx, name, &deployment)
		if apierrors.IsNotFound(err) {
			return fmt.Sprintf("deployment %s does not exist", name), nil
		}
		if err != nil {
			return "", err
		}
		for _, condition := range deployment.Status.Conditions {
			if condition.Type == appsv1.DeploymentAvailable && condition.Status == corev1.ConditionFalse {
				return fmt.Sprintf("deployment %s: %s", name, condition.Message), nil
			}
		}
		if deployment.Spec.Replicas != nil && *deployment.Spec.Replicas == 0 {
			return fmt.Sprintf("deployment %s is scaled to 0", name), nil
		}
	}
	return "", nil
}

// Package watch runs a function whenever one of some kinds of objects changes:
// what most of OpenShift's operators do, who look at the whole cluster every time.
// It knows no kind by name.
package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Reconcile is called again after the returned time, if that is not zero, and
// after any change.
type Reconcile func(ctx context.Context) (again time.Duration, err error)

// the is the only thing in the queue: the cluster.
var the = reconcile.Request{}

// Add has m call reconcile, once at the start and whenever an object of the given
// kinds changes. An error is tried again, ever more slowly.
func Add(m manager.Manager, name string, run Reconcile, kinds ...client.Object) error {
	c, err := controller.New(name, m, controller.Options{
		Reconciler: reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			again, err := run(ctx)
			return Quietly(reconcile.Result{RequeueAfter: again}, err)
		}),
		RateLimiter: Limiter(),
	})
	if err != nil {
		return fmt.Errorf("controller %s: %w", name, err)
	}
	all := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{the}
	})
	for _, kind := range kinds {
		if err := c.Watch(source.Kind(m.GetCache(), kind, all)); err != nil {
			return fmt.Errorf("controller %s: %w", name, err)
		}
	}
	return c.Watch(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		queue.Add(the)
		return nil
	}))
}

// behind is how far the cache may be behind the server.
const behind = 100 * time.Millisecond

// Quietly tries again soon, without a word, what failed because someone else had
// changed an object meanwhile.
func Quietly(result reconcile.Result, err error) (reconcile.Result, error) {
	if apierrors.IsConflict(err) || onlyConflicts(err) {
		return reconcile.Result{RequeueAfter: behind}, nil
	}
	return result, err
}

// onlyConflicts looks into joined errors.
func onlyConflicts(err error) bool {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return false
	}
	for _, one := range joined.Unwrap() {
		if !apierrors.IsConflict(one) {
			return false
		}
	}
	return true
}

// Limiter is soon back after a first failure, and never later than half a minute.
func Limiter() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](50*time.Millisecond, 30*time.Second)
}

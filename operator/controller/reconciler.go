package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	// A controller that fails tries again after the first of these, then later and later.
	firstRetry, lastRetry = 500 * time.Millisecond, 5 * time.Minute
	// kindsEvery is how often a kind is looked for that the server does not serve yet.
	kindsEvery = time.Minute
)

// singleton is the only request: every controller looks after the whole.
var singleton = reconcile.Request{NamespacedName: client.ObjectKey{Name: arov1alpha1.SingletonName}}

// reconciler calls a controller for controller-runtime.
type reconciler struct {
	spec   Spec
	client Client
	cached client.Reader
	log    *slog.Logger
}

// Reconcile implements reconcile.Reconciler.
func (r *reconciler) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	cluster := &arov1alpha1.Cluster{}
	if err := r.cached.Get(ctx, singleton.NamespacedName, cluster); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err) // its creation wakes the controller
	}
	if cluster.DeletionTimestamp != nil {
		return reconcile.Result{}, nil
	}
	request := &Request{Client: r.client, Cluster: cluster, Flags: flags.Flags(cluster.Spec.OperatorFlags), Cached: r.cached, Log: r.log, Now: time.Now(), name: r.spec.Name}
	if r.spec.Flag != "" && !request.Flags.True(r.spec.Flag) {
		if r.spec.Reports == FindingOrUnknown {
			return reconcile.Result{}, request.writeConditions(ctx, []operatorv1.OperatorCondition{{Type: r.spec.Condition, Status: operatorv1.ConditionUnknown}})
		}
		return reconcile.Result{}, nil
	}
	err := r.spec.Reconcile(ctx, request)
	if ctx.Err() != nil {
		return reconcile.Result{}, nil //nolint:nilerr // told to stop: what failed says nothing
	}
	if apierrors.IsConflict(err) {
		return reconcile.Result{}, err // a rival wrote; that is no fault
	}
	return reconcile.Result{RequeueAfter: request.again}, errors.Join(err, request.conclude(ctx, r.spec, err))
}

// conclude writes what the controller reports.
func (r *Request) conclude(ctx context.Context, spec Spec, err error) error {
	switch {
	case spec.Reports == Health:
		return r.writeConditions(ctx, r.health(spec, err))
	case r.finding != nil:
		r.finding.Type = spec.Condition
		return r.writeConditions(ctx, []operatorv1.OperatorCondition{*r.finding})
	default:
		return nil
	}
}

// Add makes the manager run a controller. live reads from and writes to the API server.
func (s Spec) Add(m manager.Manager, live client.Client, log *slog.Logger) error {
	log = log.With("controller", s.Name)
	yes := true
	c, err := controller.NewUnmanaged(s.Name, controller.Options{
		Reconciler:         &reconciler{spec: s, client: Client{live}, cached: m.GetCache(), log: log},
		RateLimiter:        workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		SkipNameValidation: &yes, // tests run several operators in a process
		RecoverPanic:       &yes,
		Logger:             m.GetLogger(),
	})
	if err != nil {
		return fmt.Errorf("controller %s: %w", s.Name, err)
	}
	sources := []source.Source{s.source(m, &arov1alpha1.Cluster{}, clusterEvents(s.ClusterStatus))}
	if s.Release {
		sources = append(sources, s.source(m, &configv1.ClusterVersion{}, releaseEvents()))
	}
	var later []Watch
	for _, w := range s.Watches {
		if _, err := m.GetRESTMapper().RESTMapping(w.Kind.GroupKind(), w.Kind.Version); meta.IsNoMatchError(err) {
			later = append(later, w)
		} else if err != nil {
			return fmt.Errorf("controller %s: %w", s.Name, err)
		} else {
			sources = append(sources, s.source(m, w.object(), w.events(s.Name)))
		}
	}
	for _, source := range sources {
		if err := c.Watch(source); err != nil {
			return fmt.Errorf("controller %s: %w", s.Name, err)
		}
	}
	if len(later) > 0 {
		waiter := manager.RunnableFunc(func(ctx context.Context) error { return s.watchLater(ctx, m, c, later) })
		if err := m.Add(waiter); err != nil {
			return fmt.Errorf("controller %s: %w", s.Name, err)
		}
	}
	return m.Add(c)
}

func (s Spec) source(m manager.Manager, o client.Object, events predicate.Predicate) source.Source {
	wake := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request { return []reconcile.Request{singleton} })
	return source.Kind(m.GetCache(), o, wake, events)
}

// watchLater watches kinds once the server serves them.
func (s Spec) watchLater(ctx context.Context, m manager.Manager, c controller.Controller, left []Watch) error {
	ticker := time.NewTicker(kindsEvery)
	defer ticker.Stop()
	for len(left) > 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var missing []Watch
		for _, w := range left {
			if _, err := m.GetRESTMapper().RESTMapping(w.Kind.GroupKind(), w.Kind.Version); err != nil {
				missing = append(missing, w)
			} else if err := c.Watch(s.source(m, w.object(), w.events(s.Name))); err != nil {
				return fmt.Errorf("controller %s: %w", s.Name, err)
			}
		}
		left = missing
	}
	return nil
}

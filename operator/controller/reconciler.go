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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/flags"
)

// A controller that fails tries again after the first of these, then later and later.
const firstRetry, lastRetry = 500 * time.Millisecond, 5 * time.Minute

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

// Add makes the manager run controllers. live reads from and writes to the API server; kinds that the
// server does not serve are not watched.
func Add(m manager.Manager, live client.Client, log *slog.Logger, specs []Spec, unserved Kinds) error {
	a := adding{manager: m, live: live, log: log, unserved: unserved, events: map[watched]*events{}}
	for _, spec := range specs {
		if err := a.add(spec); err != nil {
			return fmt.Errorf("controller %s: %w", spec.Name, err)
		}
	}
	return nil
}

// adding is the addition of controllers to a manager. They share what they watch.
type adding struct {
	manager  manager.Manager
	live     client.Client
	log      *slog.Logger
	unserved Kinds
	events   map[watched]*events
}

// watched is what an informer watches.
type watched struct {
	kind     schema.GroupVersionKind
	metadata bool // and nothing else
}

func (a adding) add(s Spec) error {
	log, yes := a.log.With("controller", s.Name), true
	c, err := controller.NewUnmanaged(s.Name, controller.Options{
		Reconciler:         &reconciler{spec: s, client: Client{a.live}, cached: a.manager.GetCache(), log: log},
		RateLimiter:        workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		SkipNameValidation: &yes, // tests run several operators in a process
		RecoverPanic:       &yes,
		Logger:             a.manager.GetLogger(),
	})
	if err != nil {
		return err
	}
	sources := []source.Source{a.source(&arov1alpha1.Cluster{}, arov1alpha1.GroupVersion.WithKind("Cluster"), clusterEvents(s.ClusterStatus))}
	if s.Release {
		sources = append(sources, a.source(&configv1.ClusterVersion{}, configv1.GroupVersion.WithKind("ClusterVersion"), releaseEvents()))
	}
	for _, w := range s.Watches {
		if !a.unserved[w.Kind] {
			sources = append(sources, a.source(w.object(), w.Kind, w.events(s.Name)))
		}
	}
	for _, source := range sources {
		if err := c.Watch(source); err != nil {
			return err
		}
	}
	return a.manager.Add(c)
}

// source returns the events of an object's kind that wake a controller.
func (a adding) source(o client.Object, kind schema.GroupVersionKind, wakes predicate.Predicate) source.Source {
	_, metadata := o.(*metav1.PartialObjectMetadata)
	key := watched{kind, metadata}
	if a.events[key] == nil {
		a.events[key] = &events{cache: a.manager.GetCache(), of: o}
	}
	return subscription{a.events[key], wakes}
}

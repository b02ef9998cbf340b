package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// events pass on what happens to the objects of one informer. All controllers that watch these objects
// share one handler: each handler of an informer costs two goroutines and a buffer of 16 KiB, and
// there would be two hundred of them.
type events struct {
	cache cache.Cache
	of    client.Object

	mu          sync.RWMutex
	subscribers []subscriber
	informer    toolscache.ResourceEventHandlerRegistration // nil before the first subscriber
}

// subscriber is a controller's queue, and what wakes the controller.
type subscriber struct {
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
	wakes predicate.Predicate
}

// subscription is a controller's part of events. It implements source.SyncingSource.
type subscription struct {
	events *events
	wakes  predicate.Predicate
}

// Start implements source.Source. The controller's first call is not caused by an event, so none that
// came before matters.
func (s subscription) Start(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	if err := s.events.subscribe(ctx, subscriber{queue, s.wakes}); err != nil {
		return err
	}
	queue.Add(singleton)
	return nil
}

// WaitForSync implements source.SyncingSource.
func (s subscription) WaitForSync(ctx context.Context) error {
	s.events.mu.RLock()
	informer := s.events.informer
	s.events.mu.RUnlock()
	if !toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) && !errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("list and watch %T: %w", s.events.of, ctx.Err())
	}
	return nil
}

func (e *events) subscribe(ctx context.Context, s subscriber) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscribers = append(e.subscribers, s)
	if e.informer != nil {
		return nil
	}
	informer, err := e.cache.GetInformer(ctx, e.of, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch %T: %w", e.of, err)
	}
	e.informer, err = informer.AddEventHandler(e)
	if err != nil {
		return fmt.Errorf("watch %T: %w", e.of, err)
	}
	return nil
}

func (e *events) wake(when func(predicate.Predicate) bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, s := range e.subscribers {
		if when(s.wakes) {
			s.queue.Add(singleton)
		}
	}
}

// OnAdd implements cache.ResourceEventHandler.
func (e *events) OnAdd(o any, initial bool) {
	if o, is := o.(client.Object); is {
		e.wake(func(p predicate.Predicate) bool {
			return p.Create(event.CreateEvent{Object: o, IsInInitialList: initial})
		})
	}
}

// OnUpdate implements cache.ResourceEventHandler.
func (e *events) OnUpdate(old, changed any) {
	was, isOld := old.(client.Object)
	is, isNew := changed.(client.Object)
	if isOld && isNew {
		e.wake(func(p predicate.Predicate) bool { return p.Update(event.UpdateEvent{ObjectOld: was, ObjectNew: is}) })
	}
}

// OnDelete implements cache.ResourceEventHandler.
func (e *events) OnDelete(o any) {
	if missed, is := o.(toolscache.DeletedFinalStateUnknown); is {
		o = missed.Obj
	}
	if o, is := o.(client.Object); is {
		e.wake(func(p predicate.Predicate) bool { return p.Delete(event.DeleteEvent{Object: o}) })
	}
}

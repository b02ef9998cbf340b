// Package pods is the part of a node's agent that runs pods: programs of this
// machine where an image has one, and otherwise a simulation that says so. It
// reports to the API server what a kubelet would.
//
// It knows its node's client and nothing of machines, networks and clouds.
package pods

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
)

const (
	// workers bounds the pods that are looked at together.
	workers = 2
	// A pod that something stands in the way of is looked at again after this.
	soon = 2 * time.Second
	// A failed call is repeated after these, and anything between.
	firstRetry, slowestRetry = 100 * time.Millisecond, 30 * time.Second
)

// Node is a node that runs pods. Its exported fields must be set before Run.
type Node struct {
	Name    string
	Address string // the machine's own, of pods that share it
	// Dir is the directory of the files of pods, and of nothing else.
	Dir string
	// APIServer is where programs reach it: HOST:PORT.
	APIServer string
	Programs  Programs
	// Static are pods that the node runs without being asked. The API server shows a mirror of each.
	Static []corev1.Pod
	// Self is a program that calls container.Main.
	Self []string
	// Client is the node's, without a limit to how long a call may take.
	Client kubernetes.Interface
	// Log writes to the machine's console.
	Log func(format string, args ...any)

	life  context.Context
	queue workqueue.TypedRateLimitingInterface[string]

	mu        sync.Mutex
	pods      reader // by namespace and name
	workloads map[types.UID]*workload
	addresses addresses
	sent      map[types.UID]map[string]bool // events by their messages
}

// reader finds the node's pods.
type reader interface {
	GetByKey(key string) (object any, exists bool, err error)
	List() []any
}

func (n *Node) store() reader {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pods == nil {
		return nothing{}
	}
	return n.pods
}

// Run runs the node's pods until ctx ends.
func (n *Node) Run(ctx context.Context) {
	n.mu.Lock()
	n.sent, n.workloads = map[types.UID]map[string]bool{}, map[types.UID]*workload{}
	n.mu.Unlock()
	n.life = ctx
	n.queue = workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, slowestRetry))
	changed := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			n.queue.Add(key)
		}
	}
	informer, err := n.informer(cache.ResourceEventHandlerFuncs{AddFunc: changed, UpdateFunc: func(_, object any) { changed(object) }, DeleteFunc: changed})
	if err != nil { // it has not been started
		n.Log("kubelet: pods: %v", err)
		return
	}
	n.mu.Lock()
	n.pods = informer.GetStore()
	n.mu.Unlock()
	var all sync.WaitGroup
	all.Go(func() { informer.RunWithContext(ctx) })
	if cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		for i := range n.Static {
			n.queue.Add(n.Static[i].Namespace + "/" + n.Static[i].Name)
		}
		for range workers {
			all.Go(func() {
				for n.work(ctx) {
				}
			})
		}
	}
	<-ctx.Done()
	n.queue.ShutDown()
	all.Wait()
	for _, w := range n.workloads { // no other goroutine is left
		<-w.done
	}
}

// informer watches the node's pods, and no others.
func (n *Node) informer(handler cache.ResourceEventHandler) (cache.SharedIndexInformer, error) {
	own := cache.NewListWatchFromClient(n.Client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, fields.OneTermEqualSelector("spec.nodeName", n.Name))
	informer := cache.NewSharedIndexInformerWithOptions(own, &corev1.Pod{}, cache.SharedIndexInformerOptions{})
	_, err := informer.AddEventHandler(handler)
	return informer, errors.Join(err, informer.SetTransform(withoutManagedFields),
		// The console shows why heartbeats fail; a repetition would not help.
		informer.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}))
}

// withoutManagedFields saves memory; an update that does not name them leaves them.
func withoutManagedFields(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod.ManagedFields = nil
	}
	return object, nil
}

// work looks at one pod; false when there is nothing more to do.
func (n *Node) work(ctx context.Context) bool {
	key, over := n.queue.Get()
	if over {
		return false
	}
	defer n.queue.Done(key)
	again, err := n.sync(ctx, key)
	switch {
	case ctx.Err() != nil:
	case apierrors.IsConflict(err): // the newer one is on its way here
		n.queue.AddRateLimited(key)
	case err != nil:
		n.Log("kubelet: pod %s: %v", key, err)
		n.queue.AddRateLimited(key)
	default:
		n.queue.Forget(key)
		if again > 0 {
			n.queue.AddAfter(key, again)
		}
	}
	return true
}

// sync takes a pod a step further and reports where it is.
func (n *Node) sync(ctx context.Context, key string) (again time.Duration, err error) {
	object, exists, err := n.store().GetByKey(key)
	if err != nil {
		return 0, err
	}
	if !exists {
		return 0, n.mirror(ctx, key)
	}
	n.clear()
	pod := object.(*corev1.Pod)
	if pod.DeletionTimestamp != nil {
		return 0, n.end(ctx, pod)
	}
	if finished(pod) {
		return 0, nil
	}
	next := pod.DeepCopy()
	advance := n.simulate
	if n.hasProgram(pod) {
		advance = n.runs
	}
	if again, err = advance(ctx, next); err != nil {
		return 0, err
	}
	return again, n.report(ctx, pod, next)
}

// report writes the status of next unless it is what pod says.
func (n *Node) report(ctx context.Context, pod, next *corev1.Pod) error {
	next.Status.ObservedGeneration = pod.Generation
	if equality.Semantic.DeepEqual(pod.Status, next.Status) {
		return nil
	}
	_, err := n.Client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, next, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// end removes a deleted pod, after its outcome is reported to those who watch it.
func (n *Node) end(ctx context.Context, pod *corev1.Pod) error {
	if w := n.workload(pod.UID); w != nil {
		w.stop()
		select {
		case <-ctx.Done():
			return nil
		case <-w.done:
		}
	}
	if !finished(pod) && len(pod.Finalizers) > 0 {
		next := pod.DeepCopy()
		terminate(next, metav1.Now(), 137, "Error")
		if err := n.report(ctx, pod, next); err != nil {
			return err
		}
	}
	n.forget(pod.UID)
	err := n.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // it is gone, or another has its name
		return nil
	}
	return err
}

func (n *Node) forget(uid types.UID) {
	n.mu.Lock()
	w := n.workloads[uid]
	delete(n.sent, uid)
	delete(n.workloads, uid)
	n.mu.Unlock()
	if w != nil {
		_ = os.RemoveAll(w.dir)
	}
}

func (n *Node) workload(uid types.UID) *workload {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.workloads[uid]
}

// clear ends what runs of pods that are gone without a request to stop.
func (n *Node) clear() {
	n.mu.Lock()
	gone := maps.Clone(n.workloads)
	n.mu.Unlock()
	for _, object := range n.store().List() {
		delete(gone, object.(*corev1.Pod).UID)
	}
	for uid, w := range gone {
		w.stop()
		<-w.done
		n.forget(uid)
	}
}

// runs brings a pod that has programs to its next state.
func (n *Node) runs(ctx context.Context, pod *corev1.Pod) (again time.Duration, err error) {
	w := n.workload(pod.UID)
	if w == nil {
		stands := n.unrunnable(pod)
		if stands == nil {
			if stands, err = n.obstacle(ctx, pod); err != nil {
				return 0, err
			}
		}
		if stands != nil {
			wait(pod, stands)
			return soon, n.event(ctx, pod, corev1.EventTypeWarning, stands.event, stands.message)
		}
		if pod.Status.StartTime == nil {
			pod.Status.StartTime = ptr.To(metav1.Now())
		}
		if err := n.address(ctx, pod); err != nil {
			return 0, err
		}
		if w, err = n.start(ctx, pod); err != nil {
			return 0, err
		}
		n.mu.Lock()
		n.workloads[pod.UID] = w
		n.mu.Unlock()
	}
	w.fill(pod)
	return 0, nil
}

// event makes an event of a pod, once.
func (n *Node) event(ctx context.Context, pod *corev1.Pod, kind, reason, message string) error {
	n.mu.Lock()
	sent := n.sent[pod.UID]
	if sent == nil {
		sent = map[string]bool{}
		n.sent[pod.UID] = sent
	}
	known := sent[message]
	sent[message] = true
	n.mu.Unlock()
	if known {
		return nil
	}
	now := metav1.Now()
	_, err := n.Client.CoreV1().Events(pod.Namespace).Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: fmt.Sprintf("%s.%x", pod.Name, now.UnixNano())},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
		},
		Type: kind, Reason: reason, Message: message, Count: 1, FirstTimestamp: now, LastTimestamp: now,
		Source: corev1.EventSource{Component: "kubelet", Host: n.Name}, ReportingController: "kubelet", ReportingInstance: n.Name,
	}, metav1.CreateOptions{})
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) { // the namespace is on its way out
		return nil
	}
	return err
}

func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

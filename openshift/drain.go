package openshift

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Drain is the removal of the pods from a node.
type Drain struct {
	Node string
	// DryRun asks which evictions the API server would allow, and changes nothing.
	DryRun bool
	// Report is called with what happens; calls do not overlap.
	Report func(message string)

	mu sync.Mutex
}

func (d *Drain) report(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Report(fmt.Sprintf(format, args...))
}

const (
	// evictedAtOnce is how many pods are evicted at the same time.
	evictedAtOnce = 10
	// firstPause and lastPause are those between attempts to evict a pod.
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
	// goneEvery is how often is looked whether an evicted pod is gone.
	goneEvery = time.Second
	// evictionAttempts bounds attempts that end in an error of the API server.
	evictionAttempts = 5
	// dryRunAll is the query of requests that change nothing.
	dryRunAll = "?dryRun=All"
)

// Cordon keeps new pods from a node, or lets them on it again.
func (a *API) Cordon(ctx context.Context, node string, unschedulable, dryRun bool) error {
	path := "/api/v1/nodes/" + node
	if dryRun {
		path += dryRunAll
	}
	return a.Write(ctx, http.MethodPatch, path, map[string]any{"spec": map[string]bool{"unschedulable": unschedulable}}, nil)
}

// Drain cordons a node, evicts its pods, and returns when they are gone. Pods of daemon
// sets, static pods and finished pods stay. It waits until ctx ends for disruption budgets
// that allow no eviction.
func (a *API) Drain(ctx context.Context, d *Drain) error {
	if err := a.Cordon(ctx, d.Node, true, d.DryRun); err != nil {
		return fmt.Errorf("cordon node %s: %w", d.Node, err)
	}
	if d.DryRun {
		d.report("node %s would be cordoned", d.Node)
	} else {
		d.report("node %s is cordoned", d.Node)
	}
	var pods corev1.PodList
	if err := a.Read(ctx, "/api/v1/pods?fieldSelector="+url.QueryEscape("spec.nodeName="+d.Node), &pods); err != nil {
		return fmt.Errorf("list the pods of node %s: %w", d.Node, err)
	}
	all := len(pods.Items)
	leaving := slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return stays(&pod) })
	d.report("pods to evict: %d; pods that stay: %d", len(leaving), all-len(leaving))
	errs := make([]error, len(leaving))
	slots := make(chan struct{}, evictedAtOnce)
	var group sync.WaitGroup
	for i := range leaving {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			errs[i] = a.evict(ctx, d, &leaving[i])
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// stays reports whether a drain leaves a pod: it would come back at once, or needs nothing
// of the node any more.
func stays(pod *corev1.Pod) bool {
	if _, static := pod.Annotations[corev1.MirrorPodAnnotationKey]; static {
		return true
	}
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "DaemonSet" {
		return true
	}
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// evict evicts one pod and returns when it is gone.
func (a *API) evict(ctx context.Context, d *Drain, pod *corev1.Pod) error {
	name, path := pod.Namespace+"/"+pod.Name, "/api/v1/namespaces/"+pod.Namespace+"/pods/"+pod.Name
	eviction := map[string]any{"apiVersion": "policy/v1", "kind": "Eviction",
		"metadata":      map[string]string{"namespace": pod.Namespace, "name": pod.Name},
		"deleteOptions": deleteOptions{Preconditions: metav1.Preconditions{UID: &pod.UID}, DryRun: dryRunOf(d.DryRun)}}
	reported, failures := "", 0
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		err := a.Write(ctx, http.MethodPost, path+"/eviction", eviction, nil)
		switch {
		case err == nil:
			d.report("pod %s: evicted", name)
			return a.awaitGone(ctx, d, path, pod)
		case (apierrors.IsNotFound(err) || apierrors.IsConflict(err)) && a.isGone(ctx, path, pod):
			d.report("pod %s: gone", name)
			return nil
		case apierrors.IsTooManyRequests(err):
			wait = max(wait, retryAfter(err))
		case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
			return fmt.Errorf("pod %s cannot be evicted: %w", name, err)
		default:
			if budgets, read := a.budgets(ctx, pod); read == nil && len(budgets) > 1 {
				return fmt.Errorf("pod %s can never be evicted: the disruption budgets %s all select it, and Kubernetes evicts pods of at most one; delete or change all but one of them",
					name, strings.Join(budgets, ", "))
			}
			if failures++; failures >= evictionAttempts || ctx.Err() != nil {
				return fmt.Errorf("pod %s was not evicted: %w", name, err)
			}
		}
		if why := Why(err); why != reported {
			reported = why
			d.report("pod %s: waits: %s", name, why)
		}
		if d.DryRun {
			return nil
		}
		if pause(ctx, wait) != nil {
			return fmt.Errorf("pod %s was not evicted in time: %s", name, reported)
		}
	}
}

// deleteOptions are those of Kubernetes that an eviction needs.
type deleteOptions struct {
	Preconditions metav1.Preconditions `json:"preconditions"`
	DryRun        []string             `json:"dryRun,omitempty"`
}

func dryRunOf(dryRun bool) []string {
	if dryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// retryAfter is the time after which the API server wants to be asked again.
func retryAfter(err error) time.Duration {
	if seconds, given := apierrors.SuggestsClientDelay(err); given {
		return min(time.Duration(seconds)*time.Second, lastPause)
	}
	return 0
}

// isGone reports whether a pod does not exist any more. A stateful set makes another one of
// its name.
func (a *API) isGone(ctx context.Context, path string, pod *corev1.Pod) bool {
	var now struct {
		Metadata struct{ UID types.UID }
	}
	err := a.Read(ctx, path, &now)
	return apierrors.IsNotFound(err) || err == nil && now.Metadata.UID != pod.UID
}

// awaitGone waits until a pod has ended.
func (a *API) awaitGone(ctx context.Context, d *Drain, path string, pod *corev1.Pod) error {
	if d.DryRun {
		return nil
	}
	for !a.isGone(ctx, path, pod) {
		if pause(ctx, goneEvery) != nil {
			return fmt.Errorf("pod %s/%s was evicted and has not ended in time", pod.Namespace, pod.Name)
		}
	}
	d.report("pod %s/%s: gone", pod.Namespace, pod.Name)
	return nil
}

// budgets returns the names of the disruption budgets that select a pod.
func (a *API) budgets(ctx context.Context, pod *corev1.Pod) ([]string, error) {
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct{ Selector *metav1.LabelSelector }
		}
	}
	if err := a.Read(ctx, "/apis/policy/v1/namespaces/"+pod.Namespace+"/poddisruptionbudgets", &list); err != nil {
		return nil, err
	}
	var names []string
	for _, budget := range list.Items {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			names = append(names, budget.Metadata.Name)
		}
	}
	return names, nil
}

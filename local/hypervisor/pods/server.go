package pods

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Handler is the part of the kubelet's API that people's tools reach through the
// API server: kubectl logs. What needs a container that runs is refused with the
// reason.
func (n *Node) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.serveLogs)
	for _, path := range []string{
		"/exec/{namespace}/{pod}/{container}", "/exec/{namespace}/{pod}/{uid}/{container}",
		"/attach/{namespace}/{pod}/{container}", "/attach/{namespace}/{pod}/{uid}/{container}",
		"/portForward/{namespace}/{pod}", "/portForward/{namespace}/{pod}/{uid}", "/run/{namespace}/{pod}/{container}",
	} {
		mux.HandleFunc(path, n.refuse)
	}
	return mux
}

// container finds a container of a pod of this node.
func (n *Node) container(r *http.Request) (*corev1.Pod, *corev1.Container, error) {
	key := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")}
	object, exists, err := n.store().GetByKey(key.String())
	if err != nil || !exists {
		return nil, nil, fmt.Errorf("pod %q is not on node %q", key, n.Name)
	}
	pod := object.(*corev1.Pod)
	name := r.PathValue("container")
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if list[i].Name == name || name == "" {
				return pod, &list[i], nil
			}
		}
	}
	return nil, nil, fmt.Errorf("pod %q has no container %q", key, name)
}

// serveLogs is what a container wrote; of a simulated one it is that it is one.
func (n *Node) serveLogs(w http.ResponseWriter, r *http.Request) {
	pod, container, err := n.container(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.FormValue("previous") == "true" {
		http.Error(w, fmt.Sprintf("previous terminated container %q in pod %q not found", container.Name, pod.Name), http.StatusBadRequest)
		return
	}
	began := began(pod)
	line := simulation(container) + "\n"
	if r.FormValue("timestamps") == "true" {
		line = began.UTC().Format(time.RFC3339Nano) + " " + line
	}
	if selected(r, began.Time) {
		_, _ = io.WriteString(w, line)
	}
	if r.FormValue("follow") != "true" {
		return
	}
	_ = http.NewResponseController(w).Flush()
	n.awaitEnd(r.Context(), pod)
}

// selected tells whether a single line, written then, is among those asked for.
func selected(r *http.Request, written time.Time) bool {
	if tail, err := strconv.Atoi(r.FormValue("tailLines")); err == nil && tail == 0 {
		return false
	}
	if seconds, err := strconv.ParseInt(r.FormValue("sinceSeconds"), 10, 64); err == nil && time.Since(written) > time.Duration(seconds)*time.Second {
		return false
	}
	since, err := time.Parse(time.RFC3339, r.FormValue("sinceTime"))
	return err != nil || !written.Before(since)
}

// awaitEnd returns when the pod has ended or is gone.
func (n *Node) awaitEnd(ctx context.Context, pod *corev1.Pod) {
	key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}.String()
	look := time.NewTicker(soon)
	defer look.Stop()
	for {
		object, exists, err := n.store().GetByKey(key)
		if err != nil || !exists {
			return
		}
		if now := object.(*corev1.Pod); now.UID != pod.UID || finished(now) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

func (n *Node) refuse(w http.ResponseWriter, r *http.Request) {
	_, container, err := n.container(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	http.Error(w, simulation(container)+" There is nothing in it to talk to.", http.StatusConflict)
}

// simulation says of a container that no process is behind it.
func simulation(container *corev1.Container) string {
	return fmt.Sprintf("Container %s is simulated: image %s is not run on this machine. It is shown as running and does nothing.", container.Name, container.Image)
}

// nothing is a store before the node's pods are known.
type nothing struct{}

func (nothing) GetByKey(string) (any, bool, error) { return nil, false, errNotYet }
func (nothing) List() []any                        { return nil }

var errNotYet = errors.New("the node's pods are not known yet")

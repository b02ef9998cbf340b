package pods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
)

// Handler is the part of the kubelet's API that people's tools reach through the
// API server: kubectl logs, exec, attach and port-forward. What needs a container that runs is refused with the
// reason.
func (n *Node) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.serveLogs)
	for _, path := range []string{
		"/exec/{namespace}/{pod}/{container}", "/exec/{namespace}/{pod}/{uid}/{container}",
		"/attach/{namespace}/{pod}/{container}", "/attach/{namespace}/{pod}/{uid}/{container}",
	} {
		mux.HandleFunc(path, n.serveSession)
	}
	mux.HandleFunc("/run/{namespace}/{pod}/{container}", n.refuse)
	mux.HandleFunc("/portForward/{namespace}/{pod}", n.servePortForward)
	mux.HandleFunc("/portForward/{namespace}/{pod}/{uid}", n.servePortForward)
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
func (n *Node) serveLogs(rw http.ResponseWriter, r *http.Request) {
	pod, container, err := n.container(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusNotFound)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if w := n.workload(pod.UID); w != nil && n.Programs.Of(container.Image) != "" {
		n.serveLog(w, r, rw, container.Name)
		return
	}
	if r.FormValue("previous") == "true" {
		http.Error(rw, fmt.Sprintf("previous terminated container %q in pod %q not found", container.Name, pod.Name), http.StatusBadRequest)
		return
	}
	began := began(pod)
	line := simulation(container) + "\n"
	if r.FormValue("timestamps") == "true" {
		line = began.UTC().Format(time.RFC3339Nano) + " " + line
	}
	if selected(r, began.Time) {
		_, _ = io.WriteString(rw, line)
	}
	if r.FormValue("follow") != "true" {
		return
	}
	_ = http.NewResponseController(rw).Flush()
	n.awaitEnd(r.Context(), pod)
}

// serveLog is what a program wrote.
func (n *Node) serveLog(w *workload, r *http.Request, rw http.ResponseWriter, name string) {
	if err := w.copyLog(r.Context(), name, logOptions(r), flushing{rw}); err != nil && r.Context().Err() == nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
	}
}

// logOptions returns the options that the API server has passed on, and has validated.
func logOptions(r *http.Request) *corev1.PodLogOptions {
	options := &corev1.PodLogOptions{
		Follow: r.FormValue("follow") == "true", Previous: r.FormValue("previous") == "true", Timestamps: r.FormValue("timestamps") == "true",
	}
	for name, option := range map[string]**int64{"tailLines": &options.TailLines, "sinceSeconds": &options.SinceSeconds, "limitBytes": &options.LimitBytes} {
		if value, err := strconv.ParseInt(r.FormValue(name), 10, 64); err == nil {
			*option = &value
		}
	}
	if since, err := time.Parse(time.RFC3339, r.FormValue("sinceTime")); err == nil {
		options.SinceTime = &metav1.Time{Time: since}
	}
	return options
}

// servePortForward leads to what a program listens on.
func (n *Node) servePortForward(rw http.ResponseWriter, r *http.Request) {
	pod, _, err := n.container(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusNotFound)
		return
	}
	w := n.workload(pod.UID)
	if w == nil {
		n.refuse(rw, r)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(rw, r, forwarder{w.address}, pod.Name, pod.UID, options, idleForward, streamPatience, portforward.SupportedProtocols)
}

const (
	idleForward    = 4 * time.Hour
	streamPatience = 30 * time.Second
)

// forwarder implements portforward.PortForwarder for the programs at an address of
// this machine.
type forwarder struct{ address string }

func (f forwarder) PortForward(ctx context.Context, _ string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(f.address, strconv.Itoa(int(port))))
	if err != nil {
		conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(int(port))))
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	go func() {
		_, _ = io.Copy(conn, stream)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, conn)
	return err
}

// flushing sends every line as it comes.
type flushing struct{ http.ResponseWriter }

func (f flushing) Write(content []byte) (int, error) {
	n, err := f.ResponseWriter.Write(content)
	_ = http.NewResponseController(f.ResponseWriter).Flush()
	return n, err
}

// selected reports whether a line, written at the given time, is among the requested ones.
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
	why := simulation(container) + " There is nothing in it to talk to."
	if n.Programs.Of(container.Image) != "" {
		why = fmt.Sprintf("Container %s is a process of this machine: commands are run in it by exec.", container.Name)
	}
	conflict(w, why)
}

// conflict refuses a request with the object that clients of the API server expect:
// they take a plain text with a colon in it for an object without a message.
func conflict(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusConflict)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Reason: metav1.StatusReasonConflict, Message: why, Code: http.StatusConflict,
	})
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

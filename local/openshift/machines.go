package openshift

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aro-rp/aro/local/home"
)

const (
	// simulated labels the nodes that are ours to change; others are left alone.
	simulated = "aro-local/simulated"
	// reconcileEvery is how soon a changed Spec is noticed.
	reconcileEvery = time.Second
	// renewEvery and leaseSeconds are the kubelet's: a node is thought dead when
	// its lease was not renewed for 50 seconds.
	renewEvery   = 10 * time.Second
	leaseSeconds = int32(40)
)

// namespaces are some that every OpenShift cluster has and that tools look for.
var namespaces = []string{
	"openshift", "openshift-config", "openshift-config-managed", "openshift-console",
	"openshift-image-registry", "openshift-ingress", "openshift-machine-api", "openshift-monitoring",
}

// machines makes the nodes of the cluster match its Spec and lets them look
// alive, as kubelets would.
type machines struct {
	home    home.Home
	client  kubernetes.Interface
	log     *slog.Logger
	renewed map[string]time.Time // by node
}

func newMachines(h home.Home, client kubernetes.Interface, log *slog.Logger) *machines {
	return &machines{home: h, client: client, log: log, renewed: map[string]time.Time{}}
}

// run returns only when ctx ends; what fails is tried again at the next tick.
func (m *machines) run(ctx context.Context) error {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	furnished := false
	for {
		if err := m.reconcile(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "nodes are not as wanted yet", "error", err)
		}
		if !furnished {
			furnished = m.makeNamespaces(ctx) == nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (m *machines) reconcile(ctx context.Context) error {
	spec, err := m.home.Spec()
	if err != nil {
		return err
	}
	list, err := m.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: simulated})
	if err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	existing := map[string]*corev1.Node{}
	for i := range list.Items {
		existing[list.Items[i].Name] = &list.Items[i]
	}
	for _, want := range nodes(spec, time.Now()) {
		node, err := m.ensure(ctx, existing[want.Name], want)
		if err != nil {
			return fmt.Errorf("node %s: %w", want.Name, err)
		}
		if err := m.renew(ctx, node); err != nil {
			return fmt.Errorf("lease of node %s: %w", want.Name, err)
		}
		delete(existing, want.Name)
	}
	for name := range existing {
		if err := m.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("node %s: %w", name, err)
		}
		delete(m.renewed, name)
	}
	return nil
}

// ensure creates the node, or corrects what a kubelet would report.
func (m *machines) ensure(ctx context.Context, have *corev1.Node, want *corev1.Node) (*corev1.Node, error) {
	if have == nil {
		return m.client.CoreV1().Nodes().Create(ctx, want, metav1.CreateOptions{})
	}
	if !labelled(have, want.Labels) {
		maps.Copy(have.Labels, want.Labels)
		updated, err := m.client.CoreV1().Nodes().Update(ctx, have, metav1.UpdateOptions{})
		if err != nil {
			return nil, err
		}
		have = updated
	}
	if isReady(have) && have.Status.NodeInfo == want.Status.NodeInfo && have.Status.Capacity.Cpu().Equal(*want.Status.Capacity.Cpu()) {
		return have, nil
	}
	have.Status = want.Status
	return m.client.CoreV1().Nodes().UpdateStatus(ctx, have, metav1.UpdateOptions{})
}

// renew keeps the node's heartbeat going.
func (m *machines) renew(ctx context.Context, node *corev1.Node) error {
	now := time.Now()
	if now.Sub(m.renewed[node.Name]) < renewEvery {
		return nil
	}
	leases := m.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	lease, err := leases.Get(ctx, node.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = leases.Create(ctx, newLease(node, now), metav1.CreateOptions{})
	case err == nil:
		fresh := newLease(node, now)
		fresh.ResourceVersion = lease.ResourceVersion
		_, err = leases.Update(ctx, fresh, metav1.UpdateOptions{})
	}
	if err == nil {
		m.renewed[node.Name] = now
	}
	return err
}

// newLease belongs to the node and is collected with it.
func newLease(node *corev1.Node, now time.Time) *coordinationv1.Lease {
	seconds, at := leaseSeconds, metav1.NewMicroTime(now)
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name:      node.Name,
			Namespace: corev1.NamespaceNodeLease,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID,
			}},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &node.Name, LeaseDurationSeconds: &seconds, RenewTime: &at},
	}
}

func (m *machines) makeNamespaces(ctx context.Context) error {
	for _, name := range namespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := m.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	return nil
}

func labelled(node *corev1.Node, labels map[string]string) bool {
	for key, value := range labels {
		if node.Labels[key] != value {
			return false
		}
	}
	return true
}

func isReady(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

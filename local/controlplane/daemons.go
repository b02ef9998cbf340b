package controlplane

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	clientv3 "go.etcd.io/etcd/client/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/kubernetes/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/aro-rp/aro/local/controlplane/machineapi"
	"github.com/aro-rp/aro/local/controlplane/prepared"
	"github.com/aro-rp/aro/local/controlplane/watch"
	"github.com/aro-rp/aro/local/platform"
)

// daemons puts the pods of OpenShift's daemon sets onto nodes before they join: the controller of daemon sets finds nothing to do.
type daemons struct {
	client client.Client
	kv     clientv3.KV
	done   map[string]bool // nodes
}

func addDaemons(m manager.Manager, kv clientv3.KV) error {
	d := &daemons{client: m.GetClient(), kv: kv, done: map[string]bool{}}
	return watch.Add(m, "daemons", d.reconcile, &machinev1beta1.Machine{})
}

func (d *daemons) reconcile(ctx context.Context) (time.Duration, error) {
	var machines machinev1beta1.MachineList
	if err := d.client.List(ctx, &machines); err != nil {
		return 0, err
	}
	var errs []error
	for i := range machines.Items {
		m := &machines.Items[i]
		name := strings.ToLower(m.Name)
		if d.done[name] || m.DeletionTimestamp != nil {
			continue
		}
		err := d.client.Get(ctx, client.ObjectKey{Name: name}, &corev1.Node{})
		if apierrors.IsNotFound(err) {
			err = d.prepare(ctx, name, m.Labels[machineapi.RoleLabel] == "master")
		}
		d.done[name] = err == nil
		errs = append(errs, err)
	}
	return 0, errors.Join(errs...)
}

// prepare makes the pods of a node that has not joined.
func (d *daemons) prepare(ctx context.Context, node string, master bool) error {
	var sets appsv1.DaemonSetList
	if err := d.client.List(ctx, &sets); err != nil {
		return err
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	contents := prepared.New(scheme)
	for i := range sets.Items {
		set := &sets.Items[i]
		if !platform.IsDaemonSet(set.Namespace, set.Name, master) {
			continue
		}
		hash := controller.ComputeHash(&set.Spec.Template, set.Status.CollisionCount)
		if err := contents.Add(platform.OnNode(set, hash, node, time.Now())); err != nil {
			return fmt.Errorf("pod of the daemon set %s: %w", set.Name, err)
		}
	}
	return contents.Extend(ctx, d.kv)
}

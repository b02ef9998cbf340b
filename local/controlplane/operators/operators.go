// Package operators stands in for OpenShift's operators: it makes the objects
// that they make, and reports in ClusterOperators and the ClusterVersion what the
// cluster's nodes, services and certificates are really like. Nothing is reported
// that no fact is behind.
//
// It calls nothing but the API server.
package operators

import (
	"context"
	"fmt"

	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	operatorv1 "github.com/openshift/api/operator/v1"
	routev1 "github.com/openshift/api/route/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/aro-rp/aro/local/controlplane/watch"
)

// Release is what the cluster was installed with.
type Release struct {
	Version string
	Image   string
	Domain  string
	InfraID string
}

// operators has what every controller of the package needs.
type operators struct {
	client  client.Client
	release Release
}

// Add gives m all controllers of the package.
func Add(m manager.Manager, release Release) error {
	o := &operators{client: m.GetClient(), release: release}
	node, version := &corev1.Node{}, &configv1.ClusterVersion{}
	for _, c := range []struct {
		name  string
		run   watch.Reconcile
		kinds []client.Object
	}{
		{"bootstrap", o.bootstrap, []client.Object{node, &corev1.ConfigMap{}}},
		{"ingress", o.ingress, []client.Object{node, &corev1.Service{}, &operatorv1.IngressController{}, &configv1.Ingress{}}},
		{"console", o.console, []client.Object{&operatorv1.Console{}, &configv1.Console{}, &configv1.Ingress{}, version}},
		{"routes", o.routes, []client.Object{&routev1.Route{}, &operatorv1.IngressController{}}},
		{"workloads", o.workloads, []client.Object{&appsv1.Deployment{}, &appsv1.StatefulSet{}, &operatorv1.IngressController{}}},
		{"volumes", o.volumes, []client.Object{&corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}, &storagev1.StorageClass{}}},
		{"load-balancers", o.loadBalancers, []client.Object{&corev1.Service{}}},
		{"network", o.network, []client.Object{&configv1.Network{}}},
		{"cluster-operator", o.clusterOperators, []client.Object{
			node, version, &configv1.ClusterOperator{}, &operatorv1.IngressController{}, &operatorv1.KubeAPIServer{},
			&operatorv1.Console{}, &appsv1.Deployment{}, &machinev1beta1.MachineSet{}, &machinev1beta1.Machine{},
		}},
		{"prometheus", o.prometheus, []client.Object{version}},
		{"cluster-version", o.clusterVersion, []client.Object{version, &configv1.ClusterOperator{}}},
	} {
		if err := watch.Add(m, c.name, c.run, c.kinds...); err != nil {
			return err
		}
	}
	return nil
}

// create makes an object unless it exists.
func (o *operators) create(ctx context.Context, objects ...client.Object) error {
	for _, object := range objects {
		have := object.DeepCopyObject().(client.Object)
		err := o.client.Get(ctx, client.ObjectKeyFromObject(object), have)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if err == nil {
			continue
		}
		if err := client.IgnoreAlreadyExists(o.client.Create(ctx, object)); err != nil {
			return fmt.Errorf("%T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}

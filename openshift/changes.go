package openshift

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	samplesv1 "github.com/openshift/api/samples/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// change reads the object, changes it, and writes what changed, if anything. It
// writes no more than that: newer releases of OpenShift have members that the
// service does not know. When somebody else wrote meanwhile it looks again.
func (c *Cluster) change(ctx context.Context, object Object, change func()) error {
	key := keyOf(object)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		reflect.ValueOf(object).Elem().SetZero() // reading adds to what is there
		return c.changeOnce(ctx, key, object, change)
	})
}

func (c *Cluster) changeOnce(ctx context.Context, key types.NamespacedName, object Object, change func()) error {
	if err := c.Get(ctx, key, object); err != nil {
		return fmt.Errorf("read %T %s: %w", object, key.Name, err)
	}
	before, _ := object.DeepCopyObject().(Object) // a copy of what is one
	change()
	if equality.Semantic.DeepEqual(before, object) {
		return nil
	}
	patch, err := difference(before, object)
	if err != nil {
		return fmt.Errorf("compare %T %s: %w", object, key.Name, err)
	}
	if err := c.Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("update %T %s: %w", object, key.Name, err)
	}
	return nil
}

// ensure is change for an object that may not exist.
func (c *Cluster) ensure(ctx context.Context, object Object, change func()) error {
	key := keyOf(object)
	err := c.change(ctx, object, change)
	if !apierrors.IsNotFound(err) {
		return err
	}
	reflect.ValueOf(object).Elem().SetZero()
	object.SetNamespace(key.Namespace)
	object.SetName(key.Name)
	change()
	if err := c.Create(ctx, object); err != nil {
		return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
	}
	return nil
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func within(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// BrandConsole makes the console say whose service it is.
func (c *Cluster) BrandConsole(ctx context.Context) error {
	console := &operatorv1.Console{ObjectMeta: named(singleton)}
	return c.change(ctx, console, func() { console.Spec.Customization.Brand = operatorv1.BrandAzureLegacy })
}

// DisableSamples removes the sample images, which only a pull secret gives access to.
func (c *Cluster) DisableSamples(ctx context.Context) error {
	samples := &samplesv1.Config{ObjectMeta: named(singleton)}
	return c.ensure(ctx, samples, func() { samples.Spec.ManagementState = operatorv1.Removed })
}

// catalogs are OpenShift's sources of operators.
var catalogs = []string{"certified-operators", "community-operators", "redhat-marketplace", "redhat-operators"}

// DisableOperatorHub turns OpenShift's sources of operators off, for the same
// reason. Other sources are the customer's.
func (c *Cluster) DisableOperatorHub(ctx context.Context) error {
	hub := &configv1.OperatorHub{ObjectMeta: named(singleton)}
	return c.change(ctx, hub, func() {
		sources := slices.DeleteFunc(slices.Clone(hub.Spec.Sources), func(s configv1.HubSource) bool { return slices.Contains(catalogs, s.Name) })
		for _, name := range catalogs {
			sources = append(sources, configv1.HubSource{Name: name, Disabled: true})
		}
		hub.Spec.Sources = sources
	})
}

// DisableUpdates takes the cluster off all update channels: its customer chooses one.
func (c *Cluster) DisableUpdates(ctx context.Context) error {
	version := &configv1.ClusterVersion{ObjectMeta: named(clusterVersion)}
	return c.change(ctx, version, func() { version.Spec.Upstream, version.Spec.Channel = "", "" })
}

// The storage class that a cluster comes with, the one whose disks are encrypted
// with the customer's key, and what makes a class the default.
const (
	plainClass     = "managed-csi"
	encryptedClass = "managed-csi-encrypted-cmk"
	isDefault      = "storageclass.kubernetes.io/is-default-class"
)

// EncryptVolumes makes a storage class the default whose disks are encrypted
// with the key of the disk encryption set.
func (c *Cluster) EncryptVolumes(ctx context.Context, diskEncryptionSetID string) error {
	plain := &storagev1.StorageClass{ObjectMeta: named(plainClass)}
	if err := c.change(ctx, plain, func() { metav1.SetMetaDataAnnotation(&plain.ObjectMeta, isDefault, "false") }); err != nil {
		return err
	}
	reclaim, binding, expansion := corev1.PersistentVolumeReclaimDelete, storagev1.VolumeBindingWaitForFirstConsumer, true
	encrypted := &storagev1.StorageClass{ObjectMeta: named(encryptedClass)}
	return c.ensure(ctx, encrypted, func() {
		metav1.SetMetaDataAnnotation(&encrypted.ObjectMeta, isDefault, "true")
		encrypted.Provisioner = "disk.csi.azure.com"
		encrypted.Parameters = map[string]string{"kind": "Managed", "storageaccounttype": "Premium_LRS", "diskEncryptionSetID": diskEncryptionSetID}
		encrypted.ReclaimPolicy, encrypted.VolumeBindingMode, encrypted.AllowVolumeExpansion = &reclaim, &binding, &expansion
	})
}

// RemoveFileStorageClass takes away the class that works with account keys alone.
func (c *Cluster) RemoveFileStorageClass(ctx context.Context) error {
	driver := &operatorv1.ClusterCSIDriver{ObjectMeta: named("file.csi.azure.com")}
	return c.change(ctx, driver, func() { driver.Spec.StorageClassState = operatorv1.RemovedStorageClass })
}

// NetworkType is the network plugin that the cluster runs; empty while it says nothing.
func (c *Cluster) NetworkType(ctx context.Context) (string, error) {
	var network configv1.Network
	if err := c.Get(ctx, types.NamespacedName{Name: singleton}, &network); err != nil {
		return "", fmt.Errorf("read the network: %w", err)
	}
	return network.Status.NetworkType, nil
}

// Version is the release that the cluster runs or is on its way to; empty before
// it knows.
func (c *Cluster) Version(ctx context.Context) (string, error) {
	var version configv1.ClusterVersion
	if err := c.Get(ctx, types.NamespacedName{Name: clusterVersion}, &version); err != nil {
		return "", fmt.Errorf("read the cluster version: %w", err)
	}
	return version.Status.Desired.Version, nil
}

// RouterIP is the address that the default router's load balancer has; empty
// while it has none.
func (c *Cluster) RouterIP(ctx context.Context) (string, error) {
	var service corev1.Service
	if err := c.Get(ctx, types.NamespacedName{Namespace: "openshift-ingress", Name: "router-default"}, &service); err != nil {
		return "", fmt.Errorf("read the router's service: %w", err)
	}
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if ingress.IP != "" {
			return ingress.IP, nil
		}
	}
	return "", nil
}

// allowUpgrade lets the credentials operator upgrade to a version although it
// cannot check identities.
const allowUpgrade = "cloudcredential.openshift.io/upgradeable-to"

// AllowUpgrade tells the cluster that its identities suffice for a version.
func (c *Cluster) AllowUpgrade(ctx context.Context, version string) error {
	credential := &operatorv1.CloudCredential{ObjectMeta: named(singleton)}
	return c.change(ctx, credential, func() { metav1.SetMetaDataAnnotation(&credential.ObjectMeta, allowUpgrade, version) })
}

// Absent reports whether err says that an object or its type does not exist.
func Absent(err error) bool { return absent(err) }

func absent(err error) bool { return apierrors.IsNotFound(err) }

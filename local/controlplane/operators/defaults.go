package operators

import (
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Defaults are the objects of a release that the installer does not write, unless it configures
// them: its objects come first.
func Defaults() []client.Object {
	return slices.Concat(configs(), operands(), reports(), access(), people(), constraints(), users(), storage(), monitoring())
}

func the(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// configs are the cluster's only objects of config.openshift.io.
func configs() []client.Object {
	cluster := the("cluster")
	return []client.Object{
		&configv1.APIServer{ObjectMeta: cluster, Spec: configv1.APIServerSpec{Audit: configv1.Audit{Profile: configv1.DefaultAuditProfileType}}},
		&configv1.Authentication{ObjectMeta: cluster}, &configv1.Build{ObjectMeta: cluster}, &configv1.Console{ObjectMeta: cluster},
		&configv1.Image{ObjectMeta: cluster}, &configv1.Node{ObjectMeta: cluster}, &configv1.OAuth{ObjectMeta: cluster},
		&configv1.Project{ObjectMeta: cluster}, &configv1.OperatorHub{ObjectMeta: cluster},
	}
}

// operands are what operators are configured by.
func operands() []client.Object {
	cluster := the("cluster")
	managed := operatorv1.OperatorSpec{ManagementState: operatorv1.Managed}
	static := operatorv1.StaticPodOperatorSpec{OperatorSpec: managed}
	samples := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "samples.operator.openshift.io/v1", "kind": "Config",
		"metadata": map[string]any{"name": "cluster"},
		"spec":     map[string]any{"managementState": "Managed", "architectures": []any{"x86_64"}},
	}}
	return []client.Object{
		&operatorv1.KubeAPIServer{ObjectMeta: cluster, Spec: operatorv1.KubeAPIServerSpec{StaticPodOperatorSpec: static}},
		&operatorv1.KubeControllerManager{ObjectMeta: cluster, Spec: operatorv1.KubeControllerManagerSpec{StaticPodOperatorSpec: static}},
		&operatorv1.KubeScheduler{ObjectMeta: cluster, Spec: operatorv1.KubeSchedulerSpec{StaticPodOperatorSpec: static}},
		&operatorv1.Etcd{ObjectMeta: cluster, Spec: operatorv1.EtcdSpec{StaticPodOperatorSpec: static}},
		&operatorv1.Authentication{ObjectMeta: cluster, Spec: operatorv1.AuthenticationSpec{OperatorSpec: managed}},
		&operatorv1.OpenShiftAPIServer{ObjectMeta: cluster, Spec: operatorv1.OpenShiftAPIServerSpec{OperatorSpec: managed}},
		&operatorv1.OpenShiftControllerManager{ObjectMeta: cluster, Spec: operatorv1.OpenShiftControllerManagerSpec{OperatorSpec: managed}},
		&operatorv1.Storage{ObjectMeta: cluster, Spec: operatorv1.StorageSpec{OperatorSpec: managed}},
		&operatorv1.CloudCredential{ObjectMeta: cluster, Spec: operatorv1.CloudCredentialSpec{OperatorSpec: managed}},
		&operatorv1.Console{ObjectMeta: cluster, Spec: operatorv1.ConsoleSpec{OperatorSpec: managed}},
		&operatorv1.DNS{ObjectMeta: the("default")},
		&operatorv1.ClusterCSIDriver{ObjectMeta: the(diskDriver), Spec: operatorv1.ClusterCSIDriverSpec{OperatorSpec: managed}},
		&operatorv1.ClusterCSIDriver{ObjectMeta: the(fileDriver), Spec: operatorv1.ClusterCSIDriverSpec{OperatorSpec: managed}},
		defaultIngress(), samples, newPool("master"), newPool("worker"),
	}
}

// reports are what each operator reports in.
func reports() (all []client.Object) {
	for name := range checks {
		all = append(all, &configv1.ClusterOperator{ObjectMeta: the(name)})
	}
	return all
}

// access gives OpenShift's administrators their role, lets machines request certificates, and the
// machine API tokens.
func access() []client.Object {
	account := func(namespace, name string) client.Object {
		return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	return []client.Object{
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: the("cluster-admins"),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects: []rbacv1.Subject{
				{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "system:cluster-admins"},
				{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "system:admin"},
			},
		},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: the("system-bootstrap-node-bootstrapper"),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:node-bootstrapper"},
			Subjects: []rbacv1.Subject{
				{Kind: rbacv1.ServiceAccountKind, Namespace: "openshift-machine-config-operator", Name: "node-bootstrapper"},
			},
		},
		account("openshift-machine-config-operator", "node-bootstrapper"),
		account("openshift-machine-api", "machine-api-controllers"),
		account("openshift-ingress-operator", "ingress-operator"),
		account("openshift-image-registry", "cluster-image-registry-operator"),
	}
}

// storage are the classes of Azure's disks and files.
func storage() []client.Object {
	class := func(name, driver, sku string, isDefault string) client.Object {
		return &storagev1.StorageClass{
			ObjectMeta:           metav1.ObjectMeta{Name: name, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": isDefault}},
			Provisioner:          driver,
			Parameters:           map[string]string{"skuname": sku},
			ReclaimPolicy:        ptr.To(corev1.PersistentVolumeReclaimDelete),
			AllowVolumeExpansion: ptr.To(true),
			VolumeBindingMode:    ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
		}
	}
	return []client.Object{
		class("managed-csi", diskDriver, "Premium_LRS", "true"),
		class("azurefile-csi", fileDriver, "Standard_LRS", "false"),
	}
}

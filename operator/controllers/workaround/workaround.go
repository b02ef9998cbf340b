// Package workaround works around known faults of OpenShift's releases, as long as
// the cluster's release has them.
package workaround

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/nodefiles"
	"github.com/aro-rp/aro/operator/release"
)

// Names of what workarounds make.
const (
	copyFail    = "99-master-disable-algif-aead"
	dirtyFrag   = "99-master-disable-dirtyfrag"
	limits      = "aro-limits"
	limitsLabel = "aro.openshift.io/limits"
	worker      = "worker"
)

// New is the controller.
func New() controller.Spec {
	group := machineconfigurationv1.GroupName
	version := machineconfigurationv1.GroupVersion
	named := func(names ...string) func(client.Object) bool {
		return func(o client.Object) bool {
			for _, name := range names {
				if o.GetName() == name {
					return true
				}
			}
			return false
		}
	}
	return controller.Spec{
		Name: "Workaround",
		Summary: "Makes what works around faults of the cluster's release, and removes it once a release has the fix: fixed reservations for the system where nodes do not size them, and " +
			"kernel settings of masters against CVE-2026-31431 and CVE-2026-31432. These settings restart masters whenever they change.",
		Flag: flags.Workaround, Also: []flags.Name{flags.WorkaroundCopyFail, flags.WorkaroundDirtyFrag, flags.AutoSizedNodes},
		Release: true,
		Watches: []controller.Watch{
			{Kind: version.WithKind("MachineConfig"), Matches: named(copyFail, dirtyFrag)},
			{Kind: version.WithKind("KubeletConfig"), Matches: named(limits), Spec: true},
			{Kind: version.WithKind("MachineConfigPool"), Matches: named(worker), Spec: true},
			{Kind: operatorv1.GroupVersion.WithKind("Network"), Name: "cluster"},
		},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("create", group, "machineconfigs kubeletconfigs")},
			{PolicyRule: controller.ResourceRule("patch update delete", group, "machineconfigs", copyFail, dirtyFrag)},
			{PolicyRule: controller.ResourceRule("patch update delete", group, "kubeletconfigs", limits)},
			{PolicyRule: controller.ResourceRule("patch", group, "machineconfigpools", worker)},
		},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	version, err := r.Release(ctx)
	if err != nil {
		return err
	}
	// One that fails does not stop the others.
	return errors.Join(systemReserved(ctx, r, version), copyFailFix(ctx, r, version), dirtyFragFix(ctx, r, version))
}

// systemReserved reserves memory for the system on workers that do not size it.
func systemReserved(ctx context.Context, r *controller.Request, version release.Version) error {
	required := !r.Flags.True(flags.AutoSizedNodes) && version.Before(release.Version{Major: 4, Minor: 99})
	pool := &machineconfigurationv1.MachineConfigPool{ObjectMeta: metav1.ObjectMeta{Name: worker}}
	err := r.Change(ctx, pool, func() error {
		if required {
			metav1.SetMetaDataLabel(&pool.ObjectMeta, limitsLabel, "")
		} else {
			delete(pool.Labels, limitsLabel)
		}
		return nil
	})
	if err != nil {
		return err
	}
	config := &machineconfigurationv1.KubeletConfig{ObjectMeta: metav1.ObjectMeta{Name: limits, Labels: map[string]string{limitsLabel: ""}}}
	if !required {
		_, err := r.Remove(ctx, config)
		return err
	}
	kubelet, err := json.Marshal(map[string]any{
		"systemReserved": map[string]string{"memory": "2000Mi"},
		"evictionHard":   map[string]string{"memory.available": "500Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%", "imagefs.available": "15%"},
	})
	if err != nil {
		return err
	}
	config.Spec = machineconfigurationv1.KubeletConfigSpec{
		MachineConfigPoolSelector: &metav1.LabelSelector{MatchLabels: map[string]string{limitsLabel: ""}},
		KubeletConfig:             &runtime.RawExtension{Raw: kubelet},
	}
	return r.EnsureExactly(ctx, config)
}

// last is the newest minor release with either fault.
var last = release.Version{Major: 4, Minor: 22}

// fixes are the first patch releases with the fix, by the minor release. Others
// before last have none.
type fixes map[int]int

var (
	copyFailFixes  = fixes{12: 89, 13: 66, 14: 65, 15: 64, 16: 61, 17: 53, 18: 40, 19: 30, 20: 21, 21: 14}
	dirtyFragFixes = fixes{12: 90, 14: 66, 16: 62, 18: 41, 19: 31, 20: 22, 21: 15}
)

func (f fixes) lackedBy(v release.Version) bool {
	patch, known := f[v.Minor]
	return v.Before(last) && (!known || v.Patch < patch)
}

func copyFailFix(ctx context.Context, r *controller.Request, version release.Version) error {
	config := nodefiles.Empty(copyFail, "master")
	if !r.Flags.True(flags.WorkaroundCopyFail) || !copyFailFixes.lackedBy(version) {
		_, err := r.Remove(ctx, config)
		return err
	}
	config.Spec.KernelArguments = []string{"initcall_blacklist=algif_aead_init"}
	return r.EnsureExactly(ctx, config)
}

func dirtyFragFix(ctx context.Context, r *controller.Request, version release.Version) error {
	required := r.Flags.True(flags.WorkaroundDirtyFrag) && dirtyFragFixes.lackedBy(version)
	if required {
		used, err := usesIPsec(ctx, r)
		if err != nil {
			return err
		}
		required = !used
	}
	if !required {
		_, err := r.Remove(ctx, nodefiles.Empty(dirtyFrag, "master"))
		return err
	}
	lines := ""
	for _, module := range []string{"esp4", "esp6", "rxrpc"} {
		lines += fmt.Sprintf("install %s /bin/false\n", module)
	}
	config, err := nodefiles.MachineConfig(dirtyFrag, "master", []nodefiles.File{
		{Path: "/etc/modprobe.d/aro-dirtyfrag-mitigation-controlplane.conf", Mode: 0o644, Content: []byte(lines)},
	}, nil)
	if err != nil {
		return err
	}
	return nodefiles.Ensure(ctx, r, config)
}

// usesIPsec reports whether the cluster needs the modules.
func usesIPsec(ctx context.Context, r *controller.Request) (bool, error) {
	network := &operatorv1.Network{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}}
	err := r.Read(ctx, network)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ovn := network.Spec.DefaultNetwork.OVNKubernetesConfig
	if ovn == nil || ovn.IPsecConfig == nil {
		return false, nil
	}
	mode := ovn.IPsecConfig.Mode
	return mode == operatorv1.IPsecModeFull || mode == operatorv1.IPsecModeExternal, nil
}

package machineconfig

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Where a kubelet reads its configuration, and whether it sizes what it reserves for the system.
const (
	kubeletFile = "/etc/kubernetes/kubelet.conf"
	sizingFile  = "/etc/node-sizing-enabled.env"
)

// kubelets makes a MachineConfig of each KubeletConfig for each pool that it selects, and removes those of
// KubeletConfigs that are gone or select others.
func (o *operator) kubelets(ctx context.Context, pools []machineconfigurationv1.MachineConfigPool, all []machineconfigurationv1.MachineConfig) error {
	var list machineconfigurationv1.KubeletConfigList
	if err := o.client.List(ctx, &list); err != nil {
		return err
	}
	slices.SortFunc(list.Items, func(a, b machineconfigurationv1.KubeletConfig) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	kept, taken := map[string]bool{}, map[string]bool{}
	for i := range all {
		taken[all[i].Name] = true
	}
	for i := range list.Items {
		config := &list.Items[i]
		if config.DeletionTimestamp != nil {
			continue
		}
		names, err := o.kubelet(ctx, config, pools, all, taken)
		if reported := o.reportKubelet(ctx, config, err); reported != nil {
			return reported
		}
		for _, name := range names {
			kept[name], taken[name] = true, true
		}
	}
	for i := range all {
		if strings.Contains(all[i].Name, "-generated-kubelet") && all[i].Annotations[generatedBy] != "" && !kept[all[i].Name] {
			if err := client.IgnoreNotFound(o.client.Delete(ctx, &all[i])); err != nil {
				return fmt.Errorf("delete MachineConfig %s: %w", all[i].Name, err)
			}
		}
	}
	return nil
}

// kubelet makes those of one KubeletConfig, and returns their names.
func (o *operator) kubelet(ctx context.Context, config *machineconfigurationv1.KubeletConfig, pools []machineconfigurationv1.MachineConfigPool,
	all []machineconfigurationv1.MachineConfig, taken map[string]bool,
) (names []string, err error) {
	selector, err := metav1.LabelSelectorAsSelector(config.Spec.MachineConfigPoolSelector)
	if err != nil {
		return nil, fmt.Errorf("spec.machineConfigPoolSelector: %w", err)
	}
	content, err := kubeletIgnition(config.Spec)
	if err != nil {
		return nil, err
	}
	for i := range pools {
		if !selector.Matches(labels.Set(pools[i].Labels)) {
			continue
		}
		wanted := &machineconfigurationv1.MachineConfig{ObjectMeta: metav1.ObjectMeta{
			Labels: map[string]string{roleLabel: pools[i].Name}, Annotations: map[string]string{generatedBy: "aro-local"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: machineconfigurationv1.GroupVersion.String(), Kind: "KubeletConfig", Name: config.Name, UID: config.UID}},
		}}
		wanted.Spec.Config = runtime.RawExtension{Raw: content}
		have := ofKubelet(config, pools[i].Name, all)
		if have == nil {
			wanted.Name = freeName("99-"+pools[i].Name+"-generated-kubelet", taken)
			if err := client.IgnoreAlreadyExists(o.client.Create(ctx, wanted)); err != nil {
				return names, fmt.Errorf("MachineConfig %s: %w", wanted.Name, err)
			}
		} else if wanted.Name = have.Name; !sameJSON(have.Spec.Config.Raw, content) {
			patch := client.MergeFrom(have.DeepCopy())
			have.Spec.Config = wanted.Spec.Config
			if err := o.client.Patch(ctx, have, patch); err != nil {
				return append(names, wanted.Name), fmt.Errorf("MachineConfig %s: %w", wanted.Name, err)
			}
		}
		names = append(names, wanted.Name)
		taken[wanted.Name] = true
	}
	return names, nil
}

func ofKubelet(config *machineconfigurationv1.KubeletConfig, pool string, all []machineconfigurationv1.MachineConfig) *machineconfigurationv1.MachineConfig {
	for i := range all {
		if owners := all[i].OwnerReferences; all[i].Labels[roleLabel] == pool && len(owners) == 1 && owners[0].UID == config.UID {
			return &all[i]
		}
	}
	return nil
}

func freeName(name string, taken map[string]bool) string {
	for n, candidate := 1, name; ; n, candidate = n+1, name+"-"+strconv.Itoa(n) {
		if !taken[candidate] {
			return candidate
		}
	}
}

func kubeletIgnition(spec machineconfigurationv1.KubeletConfigSpec) ([]byte, error) {
	kubelet := map[string]any{"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"}
	if spec.KubeletConfig != nil && len(spec.KubeletConfig.Raw) > 0 {
		var own map[string]any
		if err := json.Unmarshal(spec.KubeletConfig.Raw, &own); err != nil {
			return nil, errors.New("spec.kubeletConfig is no object")
		}
		maps.Copy(kubelet, own)
	}
	text, err := json.MarshalIndent(kubelet, "", "  ")
	if err != nil {
		return nil, err
	}
	files := []any{file(kubeletFile, text)}
	if spec.AutoSizingReserved != nil {
		files = append(files, file(sizingFile, []byte("NODE_SIZING_ENABLED="+strconv.FormatBool(*spec.AutoSizingReserved)+
			"\nSYSTEM_RESERVED_MEMORY=1Gi\nSYSTEM_RESERVED_CPU=500m\nSYSTEM_RESERVED_ES=1Gi\n")))
	}
	return json.Marshal(map[string]any{"ignition": map[string]any{"version": "3.2.0"}, "storage": map[string]any{"files": files}})
}

func file(path string, content []byte) map[string]any {
	return map[string]any{"path": path, "mode": 0o644, "overwrite": true,
		"contents": map[string]any{"source": "data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString(content)}}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && equality.Semantic.DeepEqual(x, y)
}

// reportKubelet notes in a KubeletConfig what became of it; an error that is not its fault is returned.
func (o *operator) reportKubelet(ctx context.Context, config *machineconfigurationv1.KubeletConfig, failed error) error {
	condition := machineconfigurationv1.KubeletConfigCondition{Type: machineconfigurationv1.KubeletConfigSuccess, Status: corev1.ConditionTrue, Message: "Success", LastTransitionTime: metav1.Now()}
	if failed != nil {
		condition.Type, condition.Message = machineconfigurationv1.KubeletConfigFailure, "Error: "+failed.Error()
	}
	if n := len(config.Status.Conditions); n > 0 && config.Status.ObservedGeneration == config.Generation &&
		config.Status.Conditions[n-1].Type == condition.Type && config.Status.Conditions[n-1].Message == condition.Message {
		return nil
	}
	config.Status.ObservedGeneration, config.Status.Conditions = config.Generation, []machineconfigurationv1.KubeletConfigCondition{condition}
	return o.client.Status().Update(ctx, config)
}

package machineconfig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const generatedBy = "machineconfiguration.openshift.io/generated-by-controller-version"

// rendering is what the machines of a pool are to have.
type rendering struct {
	config *machineconfigurationv1.MachineConfig
	of     machineconfigurationv1.MachineConfigPoolStatusConfiguration
}

// renderPool merges the machine configs that a pool selects into one, whose name tells the content.
func renderPool(pool *machineconfigurationv1.MachineConfigPool, all []machineconfigurationv1.MachineConfig) (*rendering, error) {
	selector, err := metav1.LabelSelectorAsSelector(pool.Spec.MachineConfigSelector)
	if err != nil {
		return nil, fmt.Errorf("spec.machineConfigSelector: %w", err)
	}
	r := &rendering{config: &machineconfigurationv1.MachineConfig{}}
	merged, spec := newMerger(), &r.config.Spec
	for _, c := range sorted(all) {
		if !selector.Matches(labels.Set(c.Labels)) {
			continue
		}
		if err := merged.add(c.Spec.Config.Raw); err != nil {
			return nil, fmt.Errorf("MachineConfig %s: %w", c.Name, err)
		}
		spec.KernelArguments = append(spec.KernelArguments, c.Spec.KernelArguments...)
		spec.Extensions = append(spec.Extensions, c.Spec.Extensions...)
		spec.FIPS = spec.FIPS || c.Spec.FIPS
		if c.Spec.KernelType != "" {
			spec.KernelType = c.Spec.KernelType
		}
		if c.Spec.OSImageURL != "" {
			spec.OSImageURL = c.Spec.OSImageURL
		}
		r.of.Source = append(r.of.Source, corev1.ObjectReference{APIVersion: machineconfigurationv1.GroupVersion.String(), Kind: "MachineConfig", Name: c.Name})
	}
	slices.Sort(spec.Extensions)
	spec.Extensions = slices.Compact(spec.Extensions)
	if spec.Config.Raw, err = merged.config(); err != nil {
		return nil, err
	}
	content, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	r.of.Name = "rendered-" + pool.Name + "-" + hex.EncodeToString(sum[:16])
	r.config.Name = r.of.Name
	r.config.Annotations = map[string]string{generatedBy: "aro-local"}
	r.config.OwnerReferences = []metav1.OwnerReference{{APIVersion: machineconfigurationv1.GroupVersion.String(), Kind: "MachineConfigPool",
		Name: pool.Name, UID: pool.UID, Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true)}}
	return r, nil
}

// ensure makes the rendered config exist, and gives it back as it is.
func (o *operator) ensure(ctx context.Context, r *rendering, all []machineconfigurationv1.MachineConfig) error {
	for i := range all {
		if all[i].Name == r.config.Name {
			r.config = &all[i]
			return nil
		}
	}
	return client.IgnoreAlreadyExists(o.client.Create(ctx, r.config))
}

// needsDrain reports whether machines restart to get from one config to another. Keys of SSH are replaced while pods run.
func needsDrain(from, to *machineconfigurationv1.MachineConfig) bool {
	if from == nil {
		return true
	}
	without := func(c *machineconfigurationv1.MachineConfig) string {
		spec := c.Spec.DeepCopy()
		var config map[string]json.RawMessage
		if json.Unmarshal(spec.Config.Raw, &config) == nil {
			delete(config, "passwd")
		}
		spec.Config = runtime.RawExtension{}
		text, err := json.Marshal([]any{spec, config})
		if err != nil {
			return "" // of what was read as JSON
		}
		return string(text)
	}
	return without(from) != without(to)
}

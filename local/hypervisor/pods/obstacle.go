package pods

import (
	"context"
	"fmt"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// obstacle is why a pod's containers cannot be made, in a kubelet's words.
type obstacle struct {
	waiting string // reason of the state of its containers
	event   string // reason of the event
	message string
}

// obstacle is nil for a pod that can begin.
func (n *Node) obstacle(ctx context.Context, pod *corev1.Pod) (*obstacle, error) {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if _, err := reference.ParseNormalizedNamed(list[i].Image); err != nil {
				return &obstacle{"InvalidImageName", "InspectFailed", fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name: %v", list[i].Image, err)}, nil
			}
		}
	}
	known := map[source]bool{}
	for _, volume := range pod.Spec.Volumes {
		for _, from := range volumeSources(&volume) {
			missing, err := n.missing(ctx, pod.Namespace, from, known)
			if err != nil {
				return nil, err
			}
			if missing {
				return &obstacle{"ContainerCreating", "FailedMount", fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s %q not found", volume.Name, from.kind, from.name)}, nil
			}
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, from := range environmentSources(&list[i]) {
				missing, err := n.missing(ctx, pod.Namespace, from, known)
				if err != nil {
					return nil, err
				}
				if missing {
					return &obstacle{"CreateContainerConfigError", "Failed", fmt.Sprintf("Error: %s %q not found", from.kind, from.name)}, nil
				}
			}
		}
	}
	return nil, nil
}

// source is an object that a pod cannot do without.
type source struct{ kind, name string }

const (
	secret    = "secret"
	configMap = "configmap"
)

func (n *Node) missing(ctx context.Context, namespace string, from source, known map[source]bool) (bool, error) {
	if known[from] {
		return false, nil
	}
	var err error
	switch from.kind {
	case secret:
		_, err = n.Client.CoreV1().Secrets(namespace).Get(ctx, from.name, metav1.GetOptions{})
	case configMap:
		_, err = n.Client.CoreV1().ConfigMaps(namespace).Get(ctx, from.name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	known[from] = err == nil
	return false, err
}

// needed leaves out what a pod can do without.
func needed(kind, name string, optional *bool) []source {
	if name == "" || ptr.Deref(optional, false) {
		return nil
	}
	return []source{{kind, name}}
}

func volumeSources(volume *corev1.Volume) (all []source) {
	switch {
	case volume.Secret != nil:
		return needed(secret, volume.Secret.SecretName, volume.Secret.Optional)
	case volume.ConfigMap != nil:
		return needed(configMap, volume.ConfigMap.Name, volume.ConfigMap.Optional)
	case volume.Projected != nil:
		for _, from := range volume.Projected.Sources {
			if from.Secret != nil {
				all = append(all, needed(secret, from.Secret.Name, from.Secret.Optional)...)
			}
			if from.ConfigMap != nil {
				all = append(all, needed(configMap, from.ConfigMap.Name, from.ConfigMap.Optional)...)
			}
		}
	}
	return all
}

func environmentSources(container *corev1.Container) (all []source) {
	for _, from := range container.EnvFrom {
		if from.SecretRef != nil {
			all = append(all, needed(secret, from.SecretRef.Name, from.SecretRef.Optional)...)
		}
		if from.ConfigMapRef != nil {
			all = append(all, needed(configMap, from.ConfigMapRef.Name, from.ConfigMapRef.Optional)...)
		}
	}
	for _, variable := range container.Env {
		if variable.ValueFrom == nil {
			continue
		}
		if key := variable.ValueFrom.SecretKeyRef; key != nil {
			all = append(all, needed(secret, key.Name, key.Optional)...)
		}
		if key := variable.ValueFrom.ConfigMapKeyRef; key != nil {
			all = append(all, needed(configMap, key.Name, key.Optional)...)
		}
	}
	return all
}

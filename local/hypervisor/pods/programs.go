package pods

import (
	"fmt"
	"os"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
)

// Programs are the images that have programs of this machine: the path of each, by
// the image's name without tag and digest. A name without a slash stands for that
// repository in every registry.
type Programs map[string]string

// Of is the program of an image, or empty.
func (p Programs) Of(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return ""
	}
	name := reference.FamiliarName(named)
	if path := p[name]; path != "" {
		return path
	}
	return p[name[strings.LastIndexByte(name, '/')+1:]]
}

// hasProgram reports whether a program of this pod can be run.
func (n *Node) hasProgram(pod *corev1.Pod) bool {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if n.Programs.Of(list[i].Image) != "" {
				return true
			}
		}
	}
	return false
}

// unrunnable is why a pod's programs cannot run here.
func (n *Node) unrunnable(pod *corev1.Pod) *obstacle {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			program := n.Programs.Of(list[i].Image)
			if program == "" {
				continue
			}
			if _, err := os.Stat(program); err != nil {
				return &obstacle{"CreateContainerError", "Failed", fmt.Sprintf("Error: the program of image %q is not there: %v", list[i].Image, err)}
			}
		}
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.EmptyDir == nil && v.Secret == nil && v.ConfigMap == nil && v.Projected == nil && v.DownwardAPI == nil {
			return &obstacle{"ContainerCreating", "FailedMount", fmt.Sprintf("MountVolume.SetUp failed for volume %q : programs of this machine can have volumes of the kinds emptyDir, secret, configMap, projected and downwardAPI", v.Name)}
		}
	}
	return nil
}

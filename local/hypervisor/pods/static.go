package pods

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// hash is the annotation that tells a static pod from a changed one of the same name.
const hash = "kubernetes.io/config.hash"

// mirror makes the object that stands for a static pod of the node, if the key names one.
func (n *Node) mirror(ctx context.Context, key string) error {
	for i := range n.Static {
		if n.Static[i].Namespace+"/"+n.Static[i].Name == key {
			return n.createMirror(ctx, n.Static[i].DeepCopy())
		}
	}
	return nil
}

func (n *Node) createMirror(ctx context.Context, pod *corev1.Pod) error {
	node, err := n.Client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) { // it was deleted, and its pods with it
		return nil
	}
	if err != nil {
		return fmt.Errorf("owner of static pods: %w", err)
	}
	for name, value := range map[string]string{corev1.MirrorPodAnnotationKey: string(node.UID), hash: string(node.UID), "kubernetes.io/config.source": "file"} {
		metav1.SetMetaDataAnnotation(&pod.ObjectMeta, name, value)
	}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID, Controller: ptr.To(true)}}
	_, err = n.Client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // it is on its way here
		return nil
	}
	return err
}

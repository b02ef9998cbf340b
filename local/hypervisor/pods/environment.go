package pods

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/utils/ptr"
)

// environment is that of a container: what its spec says, and where the API server
// is. Of other services nothing is said, for none of their addresses leads anywhere.
// The address of its pod is the one that the pod has on this machine.
func (w *workload) environment(ctx context.Context, container *corev1.Container) (map[string]string, error) {
	host, port, err := net.SplitHostPort(w.node.APIServer)
	if err != nil {
		return nil, fmt.Errorf("address of the API server: %w", err)
	}
	environment := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "HOSTNAME": w.pod.Name,
		"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "KUBERNETES_SERVICE_PORT_HTTPS": port,
		"KUBERNETES_PORT": "tcp://" + w.node.APIServer,
	}
	for i := range container.EnvFrom {
		if err := w.addAll(ctx, environment, &container.EnvFrom[i]); err != nil {
			return nil, err
		}
	}
	for i := range container.Env {
		variable := &container.Env[i]
		value, known, err := w.value(ctx, variable, expansion.MappingFuncFor(environment))
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", variable.Name, err)
		}
		if known {
			environment[variable.Name] = value
		}
	}
	return environment, nil
}

// listed is an environment as programs get it.
func listed(environment map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		list = append(list, name+"="+environment[name])
	}
	return list
}

func (w *workload) addAll(ctx context.Context, environment map[string]string, from *corev1.EnvFromSource) error {
	files := map[string][]byte{}
	var err error
	switch {
	case from.SecretRef != nil:
		err = w.secret(ctx, files, from.SecretRef.Name, nil, from.SecretRef.Optional)
	case from.ConfigMapRef != nil:
		err = w.configMap(ctx, files, from.ConfigMapRef.Name, nil, from.ConfigMapRef.Optional)
	}
	for key, value := range files {
		environment[from.Prefix+key] = string(value)
	}
	return err
}

// value is that of one variable; it may have none.
func (w *workload) value(ctx context.Context, variable *corev1.EnvVar, known func(string) string) (value string, has bool, err error) {
	from := variable.ValueFrom
	switch {
	case from == nil:
		return expansion.Expand(variable.Value, known), true, nil
	case from.FieldRef != nil:
		switch from.FieldRef.FieldPath {
		case "spec.nodeName":
			return w.pod.Spec.NodeName, true, nil
		case "spec.serviceAccountName":
			return w.pod.Spec.ServiceAccountName, true, nil
		case "status.hostIP", "status.hostIPs":
			return w.pod.Status.HostIP, true, nil
		case "status.podIP", "status.podIPs":
			return w.address, true, nil
		}
		value, err = fieldpath.ExtractFieldPathAsString(w.pod, from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.SecretKeyRef != nil:
		found, err := w.node.Client.CoreV1().Secrets(w.pod.Namespace).Get(ctx, from.SecretKeyRef.Name, metav1.GetOptions{})
		if err == nil {
			if content, ok := found.Data[from.SecretKeyRef.Key]; ok {
				return string(content), true, nil
			}
		}
		return "", false, without(from.SecretKeyRef.Optional, from.SecretKeyRef.Key, err)
	case from.ConfigMapKeyRef != nil:
		found, err := w.node.Client.CoreV1().ConfigMaps(w.pod.Namespace).Get(ctx, from.ConfigMapKeyRef.Name, metav1.GetOptions{})
		if err == nil {
			if content, ok := found.Data[from.ConfigMapKeyRef.Key]; ok {
				return content, true, nil
			}
		}
		return "", false, without(from.ConfigMapKeyRef.Optional, from.ConfigMapKeyRef.Key, err)
	}
	return "", false, nil
}

// without is nil where a variable may have no value.
func without(optional *bool, key string, err error) error {
	switch {
	case (err == nil || apierrors.IsNotFound(err)) && ptr.Deref(optional, false):
		return nil
	case err == nil:
		return fmt.Errorf("couldn't find key %s", key)
	}
	return err
}

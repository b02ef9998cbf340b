package pods

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/utils/ptr"
)

const (
	// refreshEvery is the interval at which files of secrets, config maps and tokens are rewritten,
	// as a kubelet does.
	refreshEvery = time.Minute
	// tokenLife is how long a token is good for that says nothing.
	tokenLife = time.Hour
)

// volumes writes the files of all volumes of a pod, or rewrites them.
func (w *workload) volumes(ctx context.Context) error {
	for i := range w.pod.Spec.Volumes {
		volume := &w.pod.Spec.Volumes[i]
		dir := w.volume(volume.Name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		files, err := w.files(ctx, volume)
		if err != nil {
			return fmt.Errorf("volume %q: %w", volume.Name, err)
		}
		for name, content := range files {
			if err := replace(filepath.Join(dir, filepath.Clean("/"+name)), content); err != nil {
				return fmt.Errorf("volume %q: %w", volume.Name, err)
			}
		}
	}
	return nil
}

func (w *workload) volume(name string) string { return filepath.Join(w.dir, "volumes", name) }

// replace leaves no moment in which a file is not whole.
func replace(path string, content []byte) error {
	if have, err := os.ReadFile(path); err == nil && string(have) == string(content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	next := path + ".next"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// files are what a volume holds; none for one that its pod fills.
func (w *workload) files(ctx context.Context, volume *corev1.Volume) (map[string][]byte, error) {
	files := map[string][]byte{}
	switch {
	case volume.Secret != nil:
		return files, w.secret(ctx, files, volume.Secret.SecretName, volume.Secret.Items, volume.Secret.Optional)
	case volume.ConfigMap != nil:
		return files, w.configMap(ctx, files, volume.ConfigMap.Name, volume.ConfigMap.Items, volume.ConfigMap.Optional)
	case volume.DownwardAPI != nil:
		return files, w.downward(files, volume.DownwardAPI.Items)
	case volume.Projected != nil:
		for i := range volume.Projected.Sources {
			if err := w.projected(ctx, files, &volume.Projected.Sources[i]); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

func (w *workload) projected(ctx context.Context, files map[string][]byte, from *corev1.VolumeProjection) error {
	switch {
	case from.Secret != nil:
		return w.secret(ctx, files, from.Secret.Name, from.Secret.Items, from.Secret.Optional)
	case from.ConfigMap != nil:
		return w.configMap(ctx, files, from.ConfigMap.Name, from.ConfigMap.Items, from.ConfigMap.Optional)
	case from.DownwardAPI != nil:
		return w.downward(files, from.DownwardAPI.Items)
	case from.ServiceAccountToken != nil:
		token, err := w.token(ctx, from.ServiceAccountToken)
		files[from.ServiceAccountToken.Path] = []byte(token)
		return err
	}
	return nil
}

func (w *workload) secret(ctx context.Context, files map[string][]byte, name string, items []corev1.KeyToPath, optional *bool) error {
	found, err := w.node.Client.CoreV1().Secrets(w.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && ptr.Deref(optional, false) {
		return nil
	}
	if err != nil {
		return err
	}
	return pick(files, found.Data, items, optional)
}

func (w *workload) configMap(ctx context.Context, files map[string][]byte, name string, items []corev1.KeyToPath, optional *bool) error {
	found, err := w.node.Client.CoreV1().ConfigMaps(w.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && ptr.Deref(optional, false) {
		return nil
	}
	if err != nil {
		return err
	}
	all := map[string][]byte{}
	for key, value := range found.Data {
		all[key] = []byte(value)
	}
	for key, value := range found.BinaryData {
		all[key] = value
	}
	return pick(files, all, items, optional)
}

// pick takes what items name, or everything.
func pick(files, all map[string][]byte, items []corev1.KeyToPath, optional *bool) error {
	if len(items) == 0 {
		for key, value := range all {
			files[key] = value
		}
		return nil
	}
	for _, item := range items {
		value, ok := all[item.Key]
		if !ok && !ptr.Deref(optional, false) {
			return fmt.Errorf("references non-existent key: %s", item.Key)
		}
		if ok {
			files[item.Path] = value
		}
	}
	return nil
}

func (w *workload) downward(files map[string][]byte, items []corev1.DownwardAPIVolumeFile) error {
	for _, item := range items {
		if item.FieldRef == nil {
			continue // resources are not limited here
		}
		value, err := fieldpath.ExtractFieldPathAsString(w.pod, item.FieldRef.FieldPath)
		if err != nil {
			return err
		}
		files[item.Path] = []byte(value)
	}
	return nil
}

// token is the pod's own: the API server refuses it once the pod is gone. One is
// used until four fifths of its life are over.
func (w *workload) token(ctx context.Context, from *corev1.ServiceAccountTokenProjection) (string, error) {
	now, life := time.Now(), ptr.Deref(from.ExpirationSeconds, int64(tokenLife/time.Second))
	kind := tokenKind{from.Audience, life}
	if have, ok := w.tokens[kind]; ok && now.Before(have.renew) {
		return have.text, nil
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: &life,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: w.pod.Name, UID: w.pod.UID},
	}}
	if from.Audience != "" {
		request.Spec.Audiences = []string{from.Audience}
	}
	answer, err := w.node.Client.CoreV1().ServiceAccounts(w.pod.Namespace).CreateToken(ctx, w.pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	left := time.Until(answer.Status.ExpirationTimestamp.Time)
	w.tokens[kind] = token{text: answer.Status.Token, renew: now.Add(left / 5 * 4)}
	return answer.Status.Token, nil
}

// tokenKind is what one token of a pod differs by from others: two volumes may have
// files of the same name.
type tokenKind struct {
	audience string
	life     int64 // seconds
}

// token is one that was handed out, and when to ask for the next.
type token struct {
	text  string
	renew time.Time
}

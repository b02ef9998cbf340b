// Package cloudproviderconfig keeps load balancers from giving nodes a way out.
package cloudproviderconfig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace, name = "openshift-config", "cloud-provider-config"
	key             = "config"
	setting         = "disableOutboundSNAT"
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "CloudProviderConfig",
		Summary: "Keeps `disableOutboundSNAT` true in `openshift-config/cloud-provider-config`, so that rules of load balancers do not become ways out of the " +
			"cluster. All other settings stay, also those that it does not know.",
		Flag:      flags.CloudProviderConfig,
		Watches:   []controller.Watch{{Kind: corev1.SchemeGroupVersion.WithKind("ConfigMap"), Namespace: namespace, Name: name}},
		Rules:     []controller.Rule{{Namespace: namespace, PolicyRule: controller.ResourceRule("patch", "", "configmaps", name)}},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	return r.Change(ctx, config, func() error {
		text, is := config.Data[key]
		if !is {
			return fmt.Errorf("the ConfigMap %s/%s has no key %s", namespace, name, key)
		}
		decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
		decoder.UseNumber() // none may lose a digit
		var content map[string]any
		if err := decoder.Decode(&content); err != nil || content == nil { // the text may have secrets
			return errors.New("the cloud provider's config is no JSON object")
		}
		if content[setting] == true {
			return nil
		}
		content[setting] = true
		changed, err := json.MarshalIndent(content, "", "\t")
		if err != nil {
			return err
		}
		config.Data[key] = string(changed) + "\n"
		return nil
	})
}

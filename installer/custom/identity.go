package custom

import (
	"fmt"

	configv1 "github.com/openshift/api/config/v1"
	"github.com/openshift/installer/pkg/asset"
	"github.com/openshift/installer/pkg/asset/manifests"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const (
	// ownOperator gets its secret from the resource provider when the operator is
	// deployed.
	ownOperator = "aro-operator"
	// tokenFile is the path of an operator's service account token.
	tokenFile = "/var/run/secrets/openshift/serviceaccount/token"
)

// identityManifests are the Secrets with the identities of operators in Azure. They
// are added before the installer derives the cluster version's overrides and
// rejects duplicate objects.
func (c *Custom) identityManifests(a *manifests.Manifests) error {
	wi := c.req.WorkloadIdentity
	if wi == nil {
		return nil
	}
	objects := map[string]any{
		"manifests/cluster-authentication-02-config.yaml": &configv1.Authentication{
			TypeMeta:   metav1.TypeMeta{APIVersion: configv1.SchemeGroupVersion.String(), Kind: "Authentication"},
			ObjectMeta: metav1.ObjectMeta{Name: "cluster"},
			Spec:       configv1.AuthenticationSpec{ServiceAccountIssuer: wi.OIDCIssuer},
		},
		"manifests/openshift-cloud-credential-operator-azure-credentials-secret.yaml": secret(
			"openshift-cloud-credential-operator", "azure-credentials", map[string]string{"azure_tenant_id": c.req.TenantID}),
	}
	for _, id := range wi.Identities {
		if id.OperatorName == ownOperator {
			continue
		}
		name := fmt.Sprintf("manifests/aro-identity-%s-%s.yaml", id.SecretNamespace, id.SecretName)
		if _, twice := objects[name]; twice {
			return fmt.Errorf("two identities have the secret %s/%s", id.SecretNamespace, id.SecretName)
		}
		objects[name] = secret(id.SecretNamespace, id.SecretName, map[string]string{
			"azure_client_id":            id.ClientID,
			"azure_subscription_id":      c.req.SubscriptionID,
			"azure_tenant_id":            c.req.TenantID,
			"azure_region":               c.config.Config.Azure.Region,
			"azure_federated_token_file": tokenFile,
		})
	}
	for name, object := range objects {
		data, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		a.FileList = append(a.FileList, &asset.File{Filename: name, Data: data})
	}
	asset.SortFiles(a.FileList)
	return nil
}

func secret(namespace, name string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeOpaque,
		StringData: data,
	}
}

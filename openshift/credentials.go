package openshift

import (
	"context"
	"errors"
	"fmt"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// ServicePrincipal is the cluster's application and its tenant.
type ServicePrincipal struct {
	ClientID, ClientSecret   string
	TenantID, SubscriptionID string
	Location, ResourceGroup  string
	InfraID                  string
}

// UseServicePrincipal sets the cluster's service principal to p: the credentials
// operator distributes the new credentials to all others, the control plane reads
// its own copy.
func (c *Cluster) UseServicePrincipal(ctx context.Context, p ServicePrincipal) error {
	changed, err := c.putRootCredentials(ctx, p)
	if err != nil {
		return err
	}
	if changed {
		// The operator would notice by itself, later.
		_ = c.DeleteAll(ctx, &corev1.Pod{}, Where{"openshift-cloud-credential-operator", "app=cloud-credential-operator"})
	}
	reason, err := c.putCloudConfig(ctx, p)
	if err != nil || reason == "" {
		return err
	}
	if err := c.redeploy(ctx, reason); err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: cloudProvider()}
	return c.change(ctx, secret, func() { delete(secret.Annotations, redeployPending) })
}

func (c *Cluster) putRootCredentials(ctx context.Context, p ServicePrincipal) (changed bool, err error) {
	secret := &corev1.Secret{ObjectMeta: within("kube-system", "azure-credentials")}
	desired := map[string]string{
		"azure_client_id": p.ClientID, "azure_client_secret": p.ClientSecret,
		"azure_tenant_id": p.TenantID, "azure_subscription_id": p.SubscriptionID,
		"azure_region": p.Location, "azure_resourcegroup": p.ResourceGroup, "azure_resource_prefix": p.InfraID,
	}
	err = c.ensure(ctx, secret, func() { changed = set(secret, desired) })
	return changed, err
}

// set sets text members of a Secret and reports whether one of them changed.
func set(secret *corev1.Secret, members map[string]string) (changed bool) {
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for name, text := range members {
		if had, there := secret.Data[name]; !there || string(had) != text {
			secret.Data[name] = []byte(text)
			changed = true
		}
	}
	return changed
}

// cloudConfigKey is the Secret's member with the cloud provider's configuration. The
// annotation is the reason why its readers must restart; it is written with the new
// configuration and removed after the restart, so that a crash in between does not
// lose it.
const (
	cloudConfigKey  = "cloud-config"
	redeployPending = "aro.openshift.io/redeploy-pending"
)

func cloudProvider() metav1.ObjectMeta { return within("kube-system", "azure-cloud-provider") }

// putCloudConfig changes the members for the service principal, and its tenant; the rest
// of the file is the installer's. It returns the reason why its readers must restart, or
// empty text.
func (c *Cluster) putCloudConfig(ctx context.Context, p ServicePrincipal) (reason string, err error) {
	secret := &corev1.Secret{ObjectMeta: cloudProvider()}
	var unreadable error
	err = c.change(ctx, secret, func() {
		var file []byte
		if file, unreadable = cloudConfig(secret.Data[cloudConfigKey], p); unreadable == nil && file != nil {
			set(secret, map[string]string{cloudConfigKey: string(file)})
			metav1.SetMetaDataAnnotation(&secret.ObjectMeta, redeployPending, "credentials changed at "+time.Now().UTC().Format(time.RFC3339))
		}
	})
	if absent(err) { // newer clusters have none
		return "", nil
	}
	return secret.Annotations[redeployPending], errors.Join(unreadable, err)
}

// cloudConfig returns the file with p's credentials, and nil if it has them
// already.
func cloudConfig(file []byte, p ServicePrincipal) ([]byte, error) {
	config := map[string]any{}
	if err := yaml.Unmarshal(file, &config); err != nil {
		return nil, errors.New("the cloud provider's configuration is not YAML")
	}
	desired := map[string]any{"aadClientId": p.ClientID, "aadClientSecret": p.ClientSecret}
	if _, there := config["tenantId"]; there && p.TenantID != "" { // the subscription may have moved
		desired["tenantId"] = p.TenantID
	}
	changed := false
	for member, value := range desired {
		changed = changed || config[member] != value
		config[member] = value
	}
	if !changed {
		return nil, nil
	}
	file, err := yaml.Marshal(config)
	if err != nil {
		return nil, errors.New("the cloud provider's configuration cannot be written")
	}
	return file, nil
}

// redeploy restarts the readers of the cloud provider's configuration.
func (c *Cluster) redeploy(ctx context.Context, reason string) error {
	server := &operatorv1.KubeAPIServer{ObjectMeta: named(singleton)}
	if err := c.change(ctx, server, func() { server.Spec.ForceRedeploymentReason = reason }); err != nil {
		return err
	}
	manager := &operatorv1.KubeControllerManager{ObjectMeta: named(singleton)}
	return c.change(ctx, manager, func() { manager.Spec.ForceRedeploymentReason = reason })
}

// Identity is the identity of one operator, and the Secret with it.
type Identity struct {
	Namespace, Name string
	ClientID        string
}

// Cloud has the values that every identity's Secret contains beside the identity.
type Cloud struct{ TenantID, SubscriptionID, Location string }

// tokenFile is the path of the token that operators exchange for that of their
// identity.
const tokenFile = "/var/run/secrets/openshift/serviceaccount/token" //nolint:gosec // a path

// UseIdentities sets the identity of each operator.
func (c *Cluster) UseIdentities(ctx context.Context, cloud Cloud, identities []Identity) error {
	for _, identity := range identities {
		if err := c.ensure(ctx, &corev1.Namespace{ObjectMeta: named(identity.Namespace)}, func() {}); err != nil {
			return err
		}
		if err := c.putText(ctx, identity.Namespace, identity.Name, map[string]string{
			"azure_client_id": identity.ClientID, "azure_tenant_id": cloud.TenantID,
			"azure_subscription_id": cloud.SubscriptionID, "azure_region": cloud.Location,
			"azure_federated_token_file": tokenFile,
		}); err != nil {
			return err
		}
	}
	// The credentials operator has no identity, and uses this Secret as the sign that all others
	// have one.
	return c.putText(ctx, "openshift-cloud-credential-operator", "azure-credentials", map[string]string{"azure_tenant_id": cloud.TenantID})
}

func (c *Cluster) putText(ctx context.Context, namespace, name string, members map[string]string) error {
	secret := &corev1.Secret{ObjectMeta: within(namespace, name)}
	if err := c.ensure(ctx, secret, func() { set(secret, members) }); err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return nil
}

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

// ServicePrincipal is the application that the cluster acts as, and where.
type ServicePrincipal struct {
	ClientID, ClientSecret   string
	TenantID, SubscriptionID string
	Location, ResourceGroup  string
	InfraID                  string
}

// UseServicePrincipal makes the cluster act as p: the credentials operator hands
// the new credentials to all others, the control plane reads its own copy.
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
	wanted := map[string]string{
		"azure_client_id": p.ClientID, "azure_client_secret": p.ClientSecret,
		"azure_tenant_id": p.TenantID, "azure_subscription_id": p.SubscriptionID,
		"azure_region": p.Location, "azure_resourcegroup": p.ResourceGroup, "azure_resource_prefix": p.InfraID,
	}
	err = c.ensure(ctx, secret, func() { changed = set(secret, wanted) })
	return changed, err
}

// set puts text members into a Secret and reports whether one of them is new.
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

// cloudConfigKey is the Secret's member that holds the cloud provider's configuration.
// The annotation says why its readers must start again; it comes with the new
// configuration and goes when they are told, so that no crash in between loses it.
const (
	cloudConfigKey  = "cloud-config"
	redeployPending = "aro.openshift.io/redeploy-pending"
)

func cloudProvider() metav1.ObjectMeta { return within("kube-system", "azure-cloud-provider") }

// putCloudConfig changes the members that are the service principal's, and its
// tenant; the rest of the file is the installer's. A reason is why its readers must start
// again.
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

// cloudConfig is file with p's credentials in it, and nil if they are there.
func cloudConfig(file []byte, p ServicePrincipal) ([]byte, error) {
	config := map[string]any{}
	if err := yaml.Unmarshal(file, &config); err != nil {
		return nil, errors.New("the cloud provider's configuration is no YAML")
	}
	wanted := map[string]any{"aadClientId": p.ClientID, "aadClientSecret": p.ClientSecret}
	if _, there := config["tenantId"]; there && p.TenantID != "" { // the subscription may have moved
		wanted["tenantId"] = p.TenantID
	}
	changed := false
	for member, value := range wanted {
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

// redeploy makes those who read the cloud provider's configuration at start
// start again.
func (c *Cluster) redeploy(ctx context.Context, reason string) error {
	server := &operatorv1.KubeAPIServer{ObjectMeta: named(singleton)}
	if err := c.change(ctx, server, func() { server.Spec.ForceRedeploymentReason = reason }); err != nil {
		return err
	}
	manager := &operatorv1.KubeControllerManager{ObjectMeta: named(singleton)}
	return c.change(ctx, manager, func() { manager.Spec.ForceRedeploymentReason = reason })
}

// Identity is the identity of one operator, and the Secret it reads it from.
type Identity struct {
	Namespace, Name string
	ClientID        string
}

// Cloud is what every identity's Secret says beside the identity.
type Cloud struct{ TenantID, SubscriptionID, Location string }

// tokenFile is where operators find the token that they exchange for their identity's.
const tokenFile = "/var/run/secrets/openshift/serviceaccount/token" //nolint:gosec // a path

// UseIdentities gives each operator its identity.
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
	// The credentials operator has no identity, and takes this as the sign that all others have one.
	return c.putText(ctx, "openshift-cloud-credential-operator", "azure-credentials", map[string]string{"azure_tenant_id": cloud.TenantID})
}

func (c *Cluster) putText(ctx context.Context, namespace, name string, members map[string]string) error {
	secret := &corev1.Secret{ObjectMeta: within(namespace, name)}
	if err := c.ensure(ctx, secret, func() { set(secret, members) }); err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return nil
}

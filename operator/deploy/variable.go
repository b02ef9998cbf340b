package deploy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"path"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The objects that differ between clusters. They are built from maps, not from the
// typed API: typed objects have empty members, such as status, which a server-side apply
// would then own. They are not a text template either: package text/template makes the
// linker keep every exported method of every type in the program.

const (
	// credentialsName is the secret with the operator's identity.
	credentialsName = "azure-cloud-credentials"
	checksumName    = "checksum/secret-" + credentialsName
	// cloudName is the config map with the authorities of a cloud, and its volume.
	cloudName      = "azure-cloud"
	cloudDirectory = "/etc/azure-cloud"
	bundleName     = "ca-bundle.pem"
)

type (
	object = map[string]any
	list   = []any
)

// variable are the objects that depend on the settings, deployments last.
func (s Settings) variable() []*unstructured.Unstructured {
	objects := []*unstructured.Unstructured{newObject("v1", "Secret", "cluster", object{"data": encoded(map[string]string{".dockerconfigjson": s.PullSecret})})}
	if s.ownAuthorities() {
		objects = append(objects, newObject("v1", "ConfigMap", cloudName, object{"data": object{bundleName: s.Cloud.Authorities}}))
	}
	if w := s.WorkloadIdentity; w != nil {
		objects = append(objects, newObject("v1", "Secret", credentialsName, object{"data": encoded(map[string]string{
			"azure_client_id": w.ClientID, "azure_tenant_id": w.TenantID, "azure_region": s.Cluster.Location,
			"azure_subscription_id": w.SubscriptionID, "azure_federated_token_file": tokenFile})}))
	}
	return append(objects, s.deployment("master"), s.deployment("worker"))
}

// ownAuthorities reports whether the cloud has certificates of its own.
func (s Settings) ownAuthorities() bool { return s.Cloud != nil && s.Cloud.Authorities != "" }

func newObject(version, kind, name string, content object) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: content}
	o.SetAPIVersion(version)
	o.SetKind(kind)
	o.SetNamespace(Namespace)
	o.SetName(name)
	return o
}

// encoded are the data of a secret.
func encoded(data map[string]string) object {
	out := object{}
	for name, value := range data {
		out[name] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return out
}

func (s Settings) deployment(role string) *unstructured.Unstructured {
	name, sum := "aro-operator-"+role, sha256.Sum256([]byte(s.PullSecret))
	app := func() object { return object{"app": name} }
	annotations := object{"checksum/secret-cluster": hex.EncodeToString(sum[:])}
	if role == "master" {
		annotations[checksumName] = s.operatorCredentials().checksum()
	}
	o := newObject("apps/v1", "Deployment", name, object{"spec": object{
		"replicas": int64(1),
		"selector": object{"matchLabels": app()},
		"strategy": object{"type": "RollingUpdate", "rollingUpdate": object{"maxSurge": int64(1), "maxUnavailable": int64(0)}},
		"template": object{
			"metadata": object{"labels": app(), "annotations": annotations},
			"spec":     s.pod(role, name),
		},
	}})
	o.SetLabels(map[string]string{"app": name, "version": Version(s.Image)})
	return o
}

// operatorCredentials are what the master's operator reads when it starts.
func (s Settings) operatorCredentials() Credentials {
	if w := s.WorkloadIdentity; w != nil {
		return Credentials{ClientID: w.ClientID, TenantID: w.TenantID}
	}
	return s.Credentials
}

func (s Settings) pod(role, account string) object {
	pod := object{
		"serviceAccountName": account,
		"priorityClassName":  "system-cluster-critical",
		"nodeSelector":       object{"node-role.kubernetes.io/worker": "", "kubernetes.io/arch": "amd64"},
		"tolerations":        list{object{"effect": "NoExecute", "operator": "Exists"}, object{"effect": "NoSchedule", "operator": "Exists"}},
	}
	if role == "master" {
		pod["nodeSelector"] = object{"node-role.kubernetes.io/master": ""}
	}
	if s.Restricted {
		pod["securityContext"] = object{"runAsNonRoot": true, "seccompProfile": object{"type": "RuntimeDefault"}}
	}
	container := s.container(role)
	if mounts, volumes := s.volumes(role); len(volumes) > 0 {
		container["volumeMounts"], pod["volumes"] = mounts, volumes
	}
	pod["containers"] = list{container}
	return pod
}

func (s Settings) container(role string) object {
	container := object{
		"name":          "aro-operator",
		"image":         s.Image,
		"command":       list{"aro-operator", role},
		"livenessProbe": object{"httpGet": object{"path": "/healthz/ready", "port": int64(8080)}},
		"resources":     object{"requests": object{"cpu": "10m", "memory": "100Mi"}},
		"env":           s.environment(role),
	}
	if s.Restricted {
		container["securityContext"] = object{"allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": object{"drop": list{"ALL"}}}
	}
	if role == "master" {
		container["resources"] = object{"requests": object{"cpu": "10m", "memory": "250Mi"}}
		container["ports"] = list{
			object{"name": "http", "containerPort": int64(8080), "protocol": "TCP"},
			object{"name": "http-metrics", "containerPort": int64(8888), "protocol": "TCP"},
		}
	}
	return container
}

func (s Settings) environment(role string) list {
	env := list{
		object{"name": "POD_IP", "valueFrom": object{"fieldRef": object{"fieldPath": "status.podIP"}}},
		value("ARO_OPERATOR_HEALTH", "$(POD_IP):8080"),
		value("ARO_OPERATOR_METRICS", "$(POD_IP):8888"),
	}
	if s.Cloud != nil {
		env = append(env, value("ARO_CLOUD", s.Cloud.URL))
	}
	if s.ownAuthorities() {
		env = append(env, value("SSL_CERT_FILE", path.Join(cloudDirectory, bundleName)))
	}
	if role != "master" {
		return env
	}
	env = append(env, fromCredentials("AZURE_CLIENT_ID", "azure_client_id"), fromCredentials("AZURE_TENANT_ID", "azure_tenant_id"))
	if s.WorkloadIdentity != nil {
		return append(env, fromCredentials("AZURE_FEDERATED_TOKEN_FILE", "azure_federated_token_file"),
			value("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential"))
	}
	return append(env, fromCredentials("AZURE_CLIENT_SECRET", "azure_client_secret"), value("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential"))
}

func value(name, text string) object { return object{"name": name, "value": text} }

func fromCredentials(name, key string) object {
	return object{"name": name, "valueFrom": object{"secretKeyRef": object{"name": credentialsName, "key": key}}}
}

// volumes are what the role's container mounts, and where.
func (s Settings) volumes(role string) (mounts, volumes list) {
	if s.ownAuthorities() {
		mounts = append(mounts, object{"name": cloudName, "mountPath": cloudDirectory, "readOnly": true})
		volumes = append(volumes, object{"name": cloudName, "configMap": object{"name": cloudName}})
	}
	if role == "master" && s.WorkloadIdentity != nil {
		mounts = append(mounts, object{"name": "token", "mountPath": path.Dir(tokenFile), "readOnly": true})
		volumes = append(volumes, object{"name": "token", "projected": object{"defaultMode": int64(0o644),
			"sources": list{object{"serviceAccountToken": object{"audience": "openshift", "expirationSeconds": int64(3600), "path": path.Base(tokenFile)}}}}})
	}
	return mounts, volumes
}

package openshift_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aro-rp/aro/openshift"
)

func object(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func get[T client.Object](t *testing.T, kube *openshift.Cluster, namespace, name string, into T) T {
	t.Helper()
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, into); err != nil {
		t.Fatal(err)
	}
	return into
}

func TestOperatorHubKeepsTheCustomersSources(t *testing.T) {
	hub := &configv1.OperatorHub{ObjectMeta: object("cluster")}
	hub.Spec.Sources = []configv1.HubSource{{Name: "redhat-operators"}, {Name: "mine"}}
	kube := with(hub)
	for range 2 {
		if err := kube.DisableOperatorHub(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sources := get(t, kube, "", "cluster", &configv1.OperatorHub{}).Spec.Sources
	if len(sources) != 5 || sources[0] != (configv1.HubSource{Name: "mine"}) || !sources[4].Disabled {
		t.Errorf("sources %+v", sources)
	}
}

func TestOnlyWhatChangesIsWritten(t *testing.T) {
	var patches []string
	console := &operatorv1.Console{ObjectMeta: object("cluster")}
	kube := openshift.Over(faked{interceptor.NewClient(fake.NewClientBuilder().WithScheme(openshift.Scheme()).WithObjects(console).Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
			text, err := p.Data(o)
			patches = append(patches, string(text))
			return errors.Join(err, c.Patch(ctx, o, p, options...))
		}})})
	for range 2 {
		if err := kube.BrandConsole(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(patches) != 1 || patches[0] != `{"metadata":{"resourceVersion":"999"},"spec":{"customization":{"brand":"azure"}}}` {
		t.Errorf("wrote %s", patches)
	}
}

func TestOneStorageClassIsTheDefault(t *testing.T) {
	plain := &storagev1.StorageClass{ObjectMeta: object("managed-csi")}
	plain.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	kube := with(plain)
	for range 2 {
		if err := kube.EncryptVolumes(t.Context(), "/des"); err != nil {
			t.Fatal(err)
		}
	}
	var classes storagev1.StorageClassList
	if err := kube.List(t.Context(), &classes, openshift.Where{}); err != nil {
		t.Fatal(err)
	}
	for _, class := range classes.Items {
		encrypted := class.Name == "managed-csi-encrypted-cmk"
		if (class.Annotations["storageclass.kubernetes.io/is-default-class"] == "true") != encrypted || encrypted && class.Parameters["diskEncryptionSetID"] != "/des" {
			t.Errorf("class %+v", class)
		}
	}
	if len(classes.Items) != 2 {
		t.Errorf("%d classes", len(classes.Items))
	}
}

func TestCertificatesAreServedAndKept(t *testing.T) {
	for name, test := range map[string]struct {
		why        string
		namespaces []string
		copies     int
	}{
		"with our operator":    {"it puts back what is removed", []string{openshift.SystemNamespace}, 4},
		"without our operator": {"no operator reads a copy", nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []client.Object{&configv1.APIServer{ObjectMeta: object("cluster")},
				&operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-ingress-operator", Name: "default"}}}
			for _, n := range test.namespaces {
				objects = append(objects, &corev1.Namespace{ObjectMeta: object(n)})
			}
			kube := with(objects...)
			for _, certificate := range []string{"old", "new"} {
				pair := openshift.KeyPair{Certificate: []byte(certificate), Key: []byte("key")}
				if err := kube.ServeAPI(t.Context(), "uid-apiserver", "api.x", pair); err != nil {
					t.Fatal(err)
				}
				if err := kube.ServeRoutes(t.Context(), "uid-ingress", pair); err != nil {
					t.Fatal(err)
				}
			}
			served := get(t, kube, "", "cluster", &configv1.APIServer{}).Spec.ServingCerts.NamedCertificates
			if len(served) != 1 || served[0].Names[0] != "api.x" || served[0].ServingCertificate.Name != "uid-apiserver" {
				t.Errorf("the API server serves %+v", served)
			}
			router := get(t, kube, "openshift-ingress-operator", "default", &operatorv1.IngressController{})
			if router.Spec.DefaultCertificate == nil || router.Spec.DefaultCertificate.Name != "uid-ingress" {
				t.Errorf("the router serves %+v", router.Spec.DefaultCertificate)
			}
			var secrets corev1.SecretList
			if err := kube.List(t.Context(), &secrets, openshift.Where{}); err != nil {
				t.Fatal(err)
			}
			for _, s := range secrets.Items {
				if s.Type != corev1.SecretTypeTLS || string(s.Data["tls.crt"]) != "new" {
					t.Errorf("%s/%s is a %s with %q", s.Namespace, s.Name, s.Type, s.Data["tls.crt"])
				}
			}
			if len(secrets.Items) != test.copies {
				t.Errorf("%s: %d secrets, want %d", test.why, len(secrets.Items), test.copies)
			}
		})
	}
}

func TestCredentialsRotateEverywhereOnce(t *testing.T) {
	provider := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "azure-cloud-provider"},
		Data: map[string][]byte{"cloud-config": []byte("aadClientId: old\naadClientSecret: old\nvnetName: v\n")}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-cloud-credential-operator", Name: "o", Labels: map[string]string{"app": "cloud-credential-operator"}}}
	kube := with(provider, pod, &operatorv1.KubeAPIServer{ObjectMeta: object("cluster")}, &operatorv1.KubeControllerManager{ObjectMeta: object("cluster")})
	principal := openshift.ServicePrincipal{ClientID: "id", ClientSecret: "new", TenantID: "t", SubscriptionID: "s", Location: "l", ResourceGroup: "g", InfraID: "i"}
	if err := kube.UseServicePrincipal(t.Context(), principal); err != nil {
		t.Fatal(err)
	}
	root := get(t, kube, "kube-system", "azure-credentials", &corev1.Secret{})
	if len(root.Data) != 7 || string(root.Data["azure_client_secret"]) != "new" || string(root.Data["azure_resource_prefix"]) != "i" {
		t.Errorf("%d members, %v", len(root.Data), root.Data)
	}
	file := string(get(t, kube, "kube-system", "azure-cloud-provider", &corev1.Secret{}).Data["cloud-config"])
	if !strings.Contains(file, "aadClientSecret: new") || !strings.Contains(file, "vnetName: v") {
		t.Errorf("the cloud provider reads\n%s", file)
	}
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("the credentials operator did not restart: %v", err)
	}
	reason := get(t, kube, "", "cluster", &operatorv1.KubeAPIServer{}).Spec.ForceRedeploymentReason
	if reason == "" || strings.Contains(reason, "new") {
		t.Errorf("the API server was redeployed because of %q", reason)
	}
	versions := func() string {
		return get(t, kube, "", "cluster", &operatorv1.KubeAPIServer{}).ResourceVersion + " " + get(t, kube, "kube-system", "azure-credentials", &corev1.Secret{}).ResourceVersion
	}
	before := versions()
	if err := kube.UseServicePrincipal(t.Context(), principal); err != nil || versions() != before {
		t.Errorf("a repetition changed something: %v", err)
	}
}

func TestTheCloudProviderFollowsTheTenant(t *testing.T) {
	principal := openshift.ServicePrincipal{ClientID: "id", ClientSecret: "s", TenantID: "new"}
	for name, test := range map[string]struct {
		why, file, want string
		again           bool
	}{
		"moved":     {why: "the old tenant's tokens are of no use to the subscription", file: "tenantId: old\n", want: "tenantId: new", again: true},
		"stayed":    {why: "nothing has to start again", file: "tenantId: new\n", want: "tenantId: new"},
		"not named": {why: "another file names it", file: "vnetName: v\n", want: "vnetName: v"},
	} {
		t.Run(name, func(t *testing.T) {
			file := "aadClientId: id\naadClientSecret: s\n" + test.file
			kube := with(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "azure-cloud-provider"}, Data: map[string][]byte{"cloud-config": []byte(file)}},
				&operatorv1.KubeAPIServer{ObjectMeta: object("cluster")}, &operatorv1.KubeControllerManager{ObjectMeta: object("cluster")})
			if err := kube.UseServicePrincipal(t.Context(), principal); err != nil {
				t.Fatal(err)
			}
			got := string(get(t, kube, "kube-system", "azure-cloud-provider", &corev1.Secret{}).Data["cloud-config"])
			if !strings.Contains(got, test.want) || strings.Contains(got, "tenantId") != strings.Contains(file, "tenantId") {
				t.Errorf("%s: the cloud provider reads\n%s", test.why, got)
			}
			if reason := get(t, kube, "", "cluster", &operatorv1.KubeControllerManager{}).Spec.ForceRedeploymentReason; (reason != "") != test.again {
				t.Errorf("%s: its readers start again because of %q", test.why, reason)
			}
		})
	}
}

func TestAnInterruptedRotationIsEndedByTheNextAttempt(t *testing.T) {
	conflict := errors.New("another client wrote")
	interrupted := false
	kube := openshift.Over(faked{interceptor.NewClient(fake.NewClientBuilder().WithScheme(openshift.Scheme()).WithObjects(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "azure-cloud-provider"}, Data: map[string][]byte{"cloud-config": []byte("aadClientSecret: old\n")}},
		&operatorv1.KubeAPIServer{ObjectMeta: object("cluster")}, &operatorv1.KubeControllerManager{ObjectMeta: object("cluster")}).Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
			if _, ok := o.(*operatorv1.KubeControllerManager); ok && !interrupted {
				interrupted = true
				return conflict
			}
			return c.Patch(ctx, o, p, options...)
		}})})
	principal := openshift.ServicePrincipal{ClientID: "id", ClientSecret: "new"}
	if err := kube.UseServicePrincipal(t.Context(), principal); !errors.Is(err, conflict) {
		t.Fatalf("got %v, want %v", err, conflict)
	}
	for range 2 {
		if err := kube.UseServicePrincipal(t.Context(), principal); err != nil {
			t.Fatal(err)
		}
	}
	server := get(t, kube, "", "cluster", &operatorv1.KubeAPIServer{}).Spec.ForceRedeploymentReason
	manager := get(t, kube, "", "cluster", &operatorv1.KubeControllerManager{}).Spec.ForceRedeploymentReason
	if server == "" || manager != server {
		t.Errorf("the API server was redeployed because of %q, the controller manager because of %q", server, manager)
	}
	if marks := get(t, kube, "kube-system", "azure-cloud-provider", &corev1.Secret{}).Annotations; len(marks) != 0 {
		t.Errorf("still to do: %v", marks)
	}
}

func TestOperatorsGetTheirIdentities(t *testing.T) {
	kube := with(&corev1.Namespace{ObjectMeta: object("openshift-ingress-operator")})
	identities := []openshift.Identity{{"openshift-ingress-operator", "cloud-credentials", "a"}, {"openshift-azure-operator", "azure-cloud-credentials", "b"}}
	for range 2 {
		if err := kube.UseIdentities(t.Context(), openshift.Cloud{TenantID: "t", SubscriptionID: "s", Location: "l"}, identities); err != nil {
			t.Fatal(err)
		}
	}
	secret := get(t, kube, "openshift-azure-operator", "azure-cloud-credentials", &corev1.Secret{})
	if len(secret.Data) != 5 || string(secret.Data["azure_client_id"]) != "b" || !strings.HasSuffix(string(secret.Data["azure_federated_token_file"]), "/token") {
		t.Errorf("%v", secret.Data)
	}
	get(t, kube, "openshift-cloud-credential-operator", "azure-credentials", &corev1.Secret{})
}

// TestAnotherWriterIsNotLost: the change is made to what the other one wrote.
func TestAnotherWriterIsNotLost(t *testing.T) {
	console := &operatorv1.Console{ObjectMeta: object("cluster")}
	console.Annotations = map[string]string{"removed": "meanwhile"}
	others := 2
	kube := openshift.Over(faked{interceptor.NewClient(fake.NewClientBuilder().WithScheme(openshift.Scheme()).WithObjects(console).Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
			if others--; others >= 0 {
				var theirs operatorv1.Console
				if err := c.Get(ctx, client.ObjectKeyFromObject(o), &theirs); err != nil {
					return err
				}
				theirs.Annotations = nil
				theirs.Spec.Customization.DocumentationBaseURL += "x"
				if err := c.Update(ctx, &theirs); err != nil {
					return err
				}
			}
			return c.Patch(ctx, o, p, options...)
		}})})
	if err := kube.BrandConsole(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := get(t, kube, "", "cluster", &operatorv1.Console{})
	if after.Spec.Customization.Brand != operatorv1.BrandAzureLegacy || after.Spec.Customization.DocumentationBaseURL != "xx" || len(after.Annotations) != 0 {
		t.Errorf("%+v", after)
	}
}

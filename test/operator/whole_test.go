package operator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	configv1 "github.com/openshift/api/config/v1"
	imageregistryv1 "github.com/openshift/api/imageregistry/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/operator"
	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/azureclient"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/deploy"
	"github.com/aro-rp/aro/operator/flags"
)

// furnished makes what a cluster has that all controllers are content with.
func (w *fixture) furnished(m *resourceManager) {
	w.Helper()
	w.clusterVersion("4.19.31", configv1.CompletedUpdate)
	w.privilegedConstraints()
	w.machines()
	for i := 1; i < 3; i++ {
		w.with(newMachine(fmt.Sprintf("master-%d", i), "master", 128))
	}
	w.with(newMachine("worker-0", "worker", 128))
	w.with(newMachineSet("aro-x1-worker-2", 1))
	w.with(newMachine("worker-1", "worker", 128))
	w.with(pool("master"))
	w.with(pool("worker"))
	w.cleans(machineConfig("99-master-aro-dns"), machineConfig("99-worker-aro-dns"), kubeletConfig("dynamic-node"), &configv1.ClusterOperator{ObjectMeta: metav1.ObjectMeta{Name: "aro"}})
	w.with(&configv1.Image{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}})
	w.with(&operatorv1.DNS{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	w.with(&operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-ingress-operator", Name: "default"}, Spec: operatorv1.IngressControllerSpec{DefaultCertificate: &corev1.LocalObjectReference{Name: "x"}}})
	w.with(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: "alertmanager-main"}, Data: map[string][]byte{"alertmanager.yaml": []byte("receivers: []")}})
	w.with(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: "cloud-provider-config"}, Data: map[string]string{"config": "{}"}})
	w.cleans(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: "cluster-monitoring-config"}}, dockerConfig("openshift-config", "pull-secret", ""))
	registry := &imageregistryv1.Config{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}, Spec: imageregistryv1.ImageRegistrySpec{Replicas: 1}}
	registry.Spec.ManagementState = "Managed"
	registry.Spec.Storage.Azure = &imageregistryv1.ImageRegistryConfigStorageAzure{AccountName: "images", Container: "images"}
	w.with(registry)
	for _, subnet := range []string{"master", "worker"} {
		m.put(vnet+subnet, `{"properties":{}}`)
	}
	for _, account := range []string{"clusterabc", "images"} {
		m.put(subscription+"aro-x/providers/Microsoft.Storage/storageAccounts/"+account, `{"properties":{}}`)
	}
}

// everything are the controllers of a master, whose identity in Azure is valid.
func everything(t *testing.T, open azureclient.Opener) []controller.Spec {
	t.Helper()
	specs, err := operator.Controllers(controller.Master, "build", func(ctx context.Context, environment string) (*azureclient.Account, error) {
		account, err := open(ctx, environment)
		if account != nil {
			account.Credential, account.Graph = graphToken{}, "https://graph.invalid"
		}
		return account, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return specs
}

func TestSettledClusterIsLeftInPeace(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.furnished(m)
	w.with(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-azure-operator", Name: "cluster"}, Data: raw(logins)})
	c := w.cluster(flag(flags.Monitoring, "true"), flag(flags.Banner, "true"))
	specs := everything(t, open)
	began := time.Now()
	w.run(specs...)
	for _, spec := range specs {
		for _, kind := range spec.ConditionTypes() {
			want := operatorv1.ConditionTrue
			if strings.HasSuffix(kind, "Progressing") || strings.HasSuffix(kind, "Degraded") {
				want = operatorv1.ConditionFalse
			}
			w.condition(kind, want, "")
		}
	}
	if took := time.Since(began); *long && took > 5*time.Second {
		t.Errorf("all conditions were there after %s, want 5 s", took)
	} else {
		t.Logf("all conditions were there after %s", took.Round(time.Millisecond))
	}
	w.says(configv1.OperatorAvailable, configv1.ConditionTrue, "AsExpected")
	w.quiet()
	before, observation := w.requests.count(), 10*time.Second
	if *long {
		observation = 10 * time.Minute
	}
	time.Sleep(observation) // that nothing happens can only be seen by waiting
	writes, reads := w.requests.writes(before), w.requests.count()-before
	if len(writes) > 0 {
		t.Errorf("in a settled cluster %d controllers wrote %v", len(specs), writes)
	}
	if most := len(specs) * int(observation) / int(time.Minute); reads > most {
		t.Errorf("%d reads in %s, want %d at most", reads, observation, most)
	}
	t.Logf("%d controllers sent %d requests to be content, and %d in the %s after that", len(specs), before, reads, observation)

	// A change that concerns one object leads to one write.
	before = w.requests.count()
	edit(w, &operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-ingress-operator", Name: "default"}}, func(r *operatorv1.IngressController) {
		one := int32(1)
		r.Spec.Replicas = &one
	})
	w.eventually("the change is undone", func() error {
		if len(w.requests.writes(before)) == 0 {
			return errNotYet
		}
		return nil
	})
	w.quiet()
	if writes := w.requests.writes(before); len(writes) != 1 {
		t.Errorf("one change leads to %v", writes)
	}
	// A flag of another release stays through all that.
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.OperatorFlags["of.another.release"] = "x" })
	w.quiet()
	becomes(w, c, "unknown flags stay", func(c *arov1alpha1.Cluster) bool { return c.Spec.OperatorFlags["of.another.release"] == "x" })
}

// settings are what a resource provider deploys.
func settings(identity *deploy.WorkloadIdentity) deploy.Settings {
	return deploy.Settings{Image: "arosvc.azurecr.io/aro:v1", PullSecret: logins, WorkloadIdentity: identity, Restricted: true, Cluster: arov1alpha1.ClusterSpec{
		Domain: "c.example.com", ACRDomain: "arosvc.azurecr.io", AZEnvironment: "AzurePublicCloud", Location: "eastus", InfraID: "aro-x1", ArchitectureVersion: 1,
		APIIntIP: "10.0.0.1", IngressIP: "10.0.0.2", OperatorFlags: flags.Defaults(),
	}}
}

// deployed applies everything, and removes it at the end.
func (w *fixture) deployed(s deploy.Settings) deploy.Deployer {
	w.Helper()
	address, _, err := net.SplitHostPort(strings.TrimPrefix(server.config.Host, "https://"))
	if err != nil {
		w.Fatal(err)
	}
	kube, err := openshift.Connect(server.kubeconfig, address, func(context.Context) func() { return func() {} })
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(kube.Close)
	d := deploy.Deployer{Objects: kube}
	objects, err := s.Objects()
	if err != nil {
		w.Fatal(err)
	}
	for _, o := range objects {
		w.namespace(firstOf(o.GetNamespace(), "default"))
		if o.GetKind() != "Namespace" {
			w.cleans(o)
		}
	}
	w.cleans(&arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: arov1alpha1.SingletonName}})
	w.eventually("everything is applied", func() error {
		missing, err := d.Apply(w.Context(), s)
		if err == nil && missing != "" {
			err = fmt.Errorf("waiting for %s", missing)
		}
		return err
	})
	if err := d.Sync(w.Context(), s); err != nil {
		w.Fatal(err)
	}
	return d
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// TestProgramRunsAsItIsDeployed runs the program with the accounts that the deployment
// makes, and nothing else.
func TestProgramRunsAsItIsDeployed(t *testing.T) {
	w := newFixture(t)
	m, _ := newResourceManager(t)
	w.furnished(m)
	s := settings(nil)
	for _, name := range []flags.Name{flags.AzureSubnets, flags.StorageAccounts} { // there is no Azure
		s.Cluster.OperatorFlags[string(name)] = "false"
	}
	w.deployed(s)
	c := &arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: arov1alpha1.SingletonName}}
	binary := w.build()
	w.killedAgainAndAgain(binary)
	w.broken()
	w.report(c)
	began := time.Now()
	master := w.start(binary, "master")
	w.start(binary, "worker")
	w.condition("InternetReachableFromMaster", operatorv1.ConditionTrue, "CheckDone")
	w.condition("InternetReachableFromWorker", operatorv1.ConditionTrue, "CheckDone")
	w.healthy("PullSecret")
	w.says(configv1.OperatorAvailable, configv1.ConditionTrue, "AsExpected")
	started := time.Since(began)
	w.mended()
	becomes(w, c, "the version is noted", func(c *arov1alpha1.Cluster) bool { return c.Status.OperatorVersion == "v1" })
	for _, path := range []string{master.health + "/healthz", master.health + "/healthz/ready", master.health + "/readyz", master.metrics + "/metrics"} {
		w.eventually(path+" answers", func() error {
			answer, err := http.Get(path) //nolint:noctx // of a test, in this process
			if err != nil {
				return err
			}
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %w", answer.Status, err)
			}
			if strings.HasSuffix(path, "metrics") && !strings.Contains(string(body), "aro_pullsecret_remediation") {
				return errNotYet
			}
			return nil
		})
	}
	if log := master.log.tail(1 << 20); strings.Contains(log, "orbidden") {
		t.Errorf("the roles do not suffice:\n%.3000s", log)
	}
	if size := resident(t, master.pid); size > 70 { // right after its start, on any machine; at rest it is less
		t.Errorf("it is resident with %d MiB, want 70", size)
	} else {
		t.Logf("resident: %d MiB; available after %s", size, started.Round(time.Millisecond))
	}
	if *long {
		w.atRest(master)
	}
}

// build builds the program.
func (w *fixture) build() string {
	w.Helper()
	binary := filepath.Join(w.TempDir(), "aro-operator")
	out, err := exec.CommandContext(w.Context(), "go", "build", "-ldflags", "-s -w -X main.version=v1", "-o", binary, "../../cmd/aro-operator").CombinedOutput()
	if err != nil {
		w.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

type running struct {
	health, metrics string
	log             *lockedBuffer
	pid             int
}

// start runs the program as the account of its role, until the test ends.
func (w *fixture) start(binary, role string) running {
	w.Helper()
	r, command := w.launch(binary, role)
	w.Cleanup(func() {
		late := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		defer late.Stop()
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			w.Errorf("%s ended with %v", role, err)
		}
		if w.Failed() {
			w.Logf("%s said:\n%.3000s\n%s", role, r.log.errors(), r.log.tail(1000))
		}
	})
	return r
}

// launch starts the program as the account of its role.
func (w *fixture) launch(binary, role string) (running, *exec.Cmd) {
	w.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: "aro-operator-" + role}}
	if err := w.SubResource("token").Create(w.Context(), account, request); err != nil {
		w.Fatal(err)
	}
	kubeconfig := filepath.Join(w.TempDir(), role)
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"x": {Server: server.config.Host, CertificateAuthorityData: server.config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"x": {Token: request.Status.Token}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "x", AuthInfo: "x"}},
		CurrentContext: "x",
	}, kubeconfig)
	if err != nil {
		w.Fatal(err)
	}
	r := running{health: "http://" + freeAddress(w.T), metrics: "http://" + freeAddress(w.T), log: &lockedBuffer{}}
	command := exec.Command(binary, role, "--kubeconfig", kubeconfig, "--health", strings.TrimPrefix(r.health, "http://"), "--metrics", strings.TrimPrefix(r.metrics, "http://"))
	command.Stderr = r.log
	if err := command.Start(); err != nil {
		w.Fatal(err)
	}
	r.pid = command.Process.Pid
	return r, command
}

// resident returns the memory of a process in MiB, 0 where the system does not report it.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	line, _, _ := bytes.Cut(rest, []byte("kB"))
	kib, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil {
		t.Fatal(err)
	}
	return kib / 1024
}

func TestDeploymentIsReadyAndOfItsVersion(t *testing.T) {
	w := newFixture(t)
	s := settings(&deploy.WorkloadIdentity{ClientID: "c", TenantID: "t", SubscriptionID: "s"})
	d := w.deployed(s)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: "azure-cloud-credentials"}}
	becomes(w, secret, "the identity is there", func(s *corev1.Secret) bool {
		return string(s.Data["azure_client_id"]) == "c" && string(s.Data["azure_federated_token_file"]) == "/var/run/secrets/openshift/serviceaccount/token"
	})
	backup := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: "cluster"}}
	owned := func(s *corev1.Secret) bool {
		return len(s.OwnerReferences) == 1 && s.OwnerReferences[0].Kind == "Cluster"
	}
	becomes(w, backup, "the logins go with the Cluster", owned)
	if missing, err := d.Ready(t.Context()); err != nil || !strings.Contains(missing, "aro-operator-master") {
		t.Errorf("no pod runs, and it waits for %q, %v", missing, err)
	}
	for _, name := range []string{"aro-operator-master", "aro-operator-worker"} {
		deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: name}}
		if err := w.Get(t.Context(), key(deployment), deployment); err != nil {
			t.Fatal(err)
		}
		deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1, ReadyReplicas: 1}
		if err := w.Status().Update(t.Context(), deployment); err != nil {
			t.Fatal(err)
		}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: name, Labels: map[string]string{"app": name}},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "aro-operator", Image: deployment.Spec.Template.Spec.Containers[0].Image}}}}
		w.with(pod)
	}
	if missing, err := d.Ready(t.Context()); err != nil || missing != "" {
		t.Errorf("it waits for %q, %v", missing, err)
	}
	if missing, err := d.Runs(t.Context(), "v1"); err != nil || missing != "" {
		t.Errorf("it waits for %q, %v", missing, err)
	}
	s.Image = "arosvc.azurecr.io/aro:v2"
	if _, err := d.Apply(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if missing, err := d.Ready(t.Context()); err != nil || missing == "" {
		t.Errorf("a new image is ready at once: %v", err)
	}
	if missing, err := d.Runs(t.Context(), "v2"); err != nil || !strings.Contains(missing, "of version v1") {
		t.Errorf("it waits for %q, %v", missing, err)
	}
	becomes(w, backup, "an update keeps the owner", owned)
}

// TestOperatorIsRestartedByNewCredentialsOnly renews the credentials of a cluster with a service
// principal, which OpenShift's credential operator writes.
func TestOperatorIsRestartedByNewCredentialsOnly(t *testing.T) {
	w := newFixture(t)
	s := settings(nil)
	s.Credentials = deploy.Credentials{ClientID: "c", TenantID: "t", ClientSecret: "first"}
	d := w.deployed(s)
	deployment := deployment(deploy.Namespace, "aro-operator-master")
	generation := func() int64 {
		t.Helper()
		if err := w.Get(t.Context(), key(deployment), deployment); err != nil {
			t.Fatal(err)
		}
		return deployment.Generation
	}
	renew := func(c deploy.Credentials, waits bool) {
		t.Helper()
		if missing, err := d.Renew(t.Context(), c); err != nil || (missing != "") != waits {
			t.Errorf("it waits for %q, %v", missing, err)
		}
	}
	began := generation()
	renew(s.Credentials, true) // OpenShift has not served the request for them yet
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: "azure-cloud-credentials"},
		StringData: map[string]string{"azure_client_id": "c", "azure_tenant_id": "t", "azure_client_secret": "first", "azure_region": "r"}}
	w.with(secret)
	renew(s.Credentials, false)
	renew(s.Credentials, false)
	if now := generation(); now != began {
		t.Error("the operator is restarted although nothing changed")
	}
	second := s.Credentials
	second.ClientSecret = "second"
	renew(second, true)
	edit(w, secret, func(s *corev1.Secret) { s.Data["azure_client_secret"] = []byte("second") })
	renew(second, false)
	if now := generation(); now != began+1 {
		t.Errorf("new credentials change the deployment %d times, want once", now-began)
	}
	renew(second, false)
	// An update of the operator goes by what the cluster has, which its pods read.
	if _, err := d.Apply(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	renew(second, false)
	if now := generation(); now != began+1 {
		t.Errorf("after that it is changed %d times more", now-began-1)
	}
}

// graphToken is a token that a checker of identities is content with.
type graphToken struct{}

// GetToken implements azcore.TokenCredential.
func (graphToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: token(`{"roles":[]}`), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// TestNothingIsDoneWithoutFlags has an object without flags, as of an operator's first
// releases, and before that none at all.
func TestNothingIsDoneWithoutFlags(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.furnished(m)
	w.cleans(&admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "aro-cluster-version-major-upgrade-deny-binding"}},
		&admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "aro-cluster-version-major-upgrade-deny"}})
	w.run(everything(t, open)...)
	w.quiet()
	if writes := w.requests.writes(0); len(writes) > 0 {
		t.Errorf("without a Cluster it writes %v", writes)
	}
	w.cluster(func(c *arov1alpha1.Cluster) { c.Spec.OperatorFlags = nil })
	w.says(configv1.OperatorAvailable, configv1.ConditionUnknown, "NoData")
	w.condition("InternetReachableFromMaster", operatorv1.ConditionUnknown, "")
	w.quiet()
	for _, write := range w.requests.writes(0) {
		if !strings.Contains(write, "/clusters/cluster/status") && !strings.Contains(write, "/clusteroperators") && !strings.Contains(write, "aro-cluster-version-major-upgrade-deny") {
			t.Errorf("without flags it writes %s", write)
		}
	}
	if got := m.written(); len(got) > 0 {
		t.Errorf("without flags it writes to Azure: %v", got)
	}
	if err := w.logged("level=ERROR"); err == nil {
		t.Errorf("it is not content:\n%s", w.log.tail(3000))
	}
}

// TestKilledAfterAnyWriteItGoesOn lets each operator live for some writes, of the last of which it
// never hears, until one finds nothing to do: for more and more writes, or, in the long form, for
// one.
func TestKilledAfterAnyWriteItGoesOn(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.furnished(m)
	w.cleans(&admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "aro-cluster-version-major-upgrade-deny-binding"}},
		&admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "aro-cluster-version-major-upgrade-deny"}})
	w.with(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-azure-operator", Name: "cluster"}, Data: raw(logins)})
	w.cluster(flag(flags.Monitoring, "true"))
	specs := everything(t, open)
	const most = 500
	writes, next := 1, 2
	for lives := 1; ; lives++ {
		if lives > most {
			t.Fatalf("after %d lives it is not done: %v", most, w.requests.writes(0))
		}
		w.requests = &requests{mortal: true, left: writes, dead: make(chan struct{})}
		if !*long {
			writes, next = next, writes+next
		}
		stop := w.run(specs...)
		done := func() bool {
			for {
				before := w.requests.count()
				select {
				case <-w.requests.dead:
					return false
				case <-time.After(time.Second):
				}
				if before > 0 && w.requests.count() == before {
					return true
				}
			}
		}()
		stop()
		if done {
			t.Logf("it was killed %d times", lives-1)
			break
		}
	}
	w.requests = &requests{}
	w.run(specs...)
	for _, spec := range specs {
		if spec.Reports == controller.Health {
			w.healthy(spec.Name)
		}
	}
	w.quiet()
	if more := w.requests.writes(0); len(more) > 0 {
		t.Errorf("there was more to do: %v", more)
	}
}

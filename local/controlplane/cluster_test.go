package controlplane_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ignition "github.com/coreos/ignition/v2/config/v3_2"
	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is for machines that do much else besides.
const patience = 2 * time.Minute

const domain = "demo.eastus.aroapp.test"

// suite is one cluster that the tests below take through its life, in order.
type suite struct {
	cluster installed
	azure   *fakeAzure
	process *process
	admin   client.Client
	life    context.Context // of the machines
	whole   *testing.T      // outlives its steps
}

func TestClusterLivesFromBootstrapToUpgrade(t *testing.T) {
	s := &suite{cluster: install(t, "installer-request.json"), azure: newFakeAzure(t), life: t.Context(), whole: t}
	dir := boot(t, s.cluster)
	s.process = start(t, dir, s.azure.server.URL, s.azure.caFile)
	s.admin = newClient(t, s.process.reach(t, []byte(s.cluster.AdminKubeconfig)))
	s.azure.boots = func(name string) { go s.join(t, name, "worker") }
	s.azure.halts = func(string) {}
	eventually(t, patience, "the manifests are applied", func() error {
		return s.admin.Get(t.Context(), client.ObjectKey{Namespace: "openshift-machine-api", Name: "machine-api-controllers"}, &corev1.ServiceAccount{})
	})
	for _, step := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"the release's Kubernetes is told", s.tellsVersion("32")},
		{"what was prepared passes the API server", s.preparedPasses},
		{"a deleted default comes back", s.defaultsComeBack},
		{"people log in with the password of kubeadmin", s.peopleLogIn},
		{"people have projects, whose pods are admitted", s.peopleHaveProjects},
		{"certificate of the installer's signer gets in", s.signerGetsIn},
		{"machines are served their role's Ignition", s.servesIgnition},
		{"a stranger's certificate request stays open", s.strangerWaits},
		{"three masters end the bootstrap", s.bootstrapEnds},
		{"machine sets make workers in Azure", s.workersAreMade},
		{"machines tell their size and place", s.areLabelled},
		{"operators settle", s.operatorsSettle},
		{"a workload that is scaled down comes back", s.workloadsComeBack},
		{"a named certificate is presented", s.certificateRollsOut},
		{"a machine set grows and shrinks", s.scales},
		{"an exhausted quota fails the machine", s.quotaFails},
		{"a version that is not offered is refused", s.refusesUpdate},
		{"a wanted version is reached", s.upgrades},
		{"the new release's Kubernetes is told", s.tellsVersion("33")},
		{"a killed control plane comes back as it was", s.survivesKill},
		{"it stops when it is told to", s.stops},
	} {
		if !t.Run(step.name, step.run) {
			return
		}
	}
}

// tellsVersion looks as kubectl and Helm do before they decide what to send.
func (s *suite) tellsVersion(minor string) func(t *testing.T) {
	return func(t *testing.T) {
		for _, config := range []*rest.Config{
			s.process.reach(t, []byte(s.cluster.AdminKubeconfig)),
			rest.AnonymousClientConfig(s.process.reach(t, []byte(s.cluster.AdminKubeconfig))),
		} {
			discovered, err := discovery.NewDiscoveryClientForConfigOrDie(config).ServerVersion()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := version.ParseSemantic(discovered.GitVersion); err != nil {
				t.Errorf("no client can read version %q: %v", discovered.GitVersion, err)
			}
			if !strings.HasPrefix(discovered.GitVersion, "v1."+minor+".") || discovered.Major != "1" || discovered.Minor != minor {
				t.Errorf("the version is %+v, want 1.%s", discovered, minor)
			}
		}
	}
}

func (s *suite) signerGetsIn(t *testing.T) {
	signer, err := tls.X509KeyPair([]byte(s.cluster.AdminKubeconfigSigner.Cert), []byte(s.cluster.AdminKubeconfigSigner.Key))
	if err != nil {
		t.Fatal(err)
	}
	for user, may := range map[string]bool{"system:aro-service": true, "system:admin": true, "system:aro-sre": false} {
		group := ""
		if user == "system:aro-service" {
			group = "system:masters"
		}
		config := s.process.reach(t, []byte(s.cluster.AdminKubeconfig))
		config.CertData, config.KeyData = sign(t, signer, user, group)
		_, err := kubernetes.NewForConfigOrDie(config).CoreV1().Secrets("kube-system").List(t.Context(), metav1.ListOptions{})
		if may && err != nil {
			t.Errorf("%s is refused: %v", user, err)
		}
		if !may && !apierrors.IsForbidden(err) {
			t.Errorf("%s may read secrets, or is not known: %v", user, err)
		}
	}
	config := s.process.reach(t, []byte(s.cluster.AdminKubeconfig))
	config.CertData, config.KeyData = sign(t, selfSigned(t, "admin-kubeconfig-signer"), "system:aro-service", "system:masters")
	if _, err := kubernetes.NewForConfigOrDie(config).CoreV1().Secrets("kube-system").List(t.Context(), metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
		t.Errorf("a stranger's certificate: %v", err)
	}
}

func (s *suite) servesIgnition(t *testing.T) {
	authority, err := os.ReadFile(filepath.Join(s.process.dir, "root/opt/openshift/tls/root-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "api-int." + domain}}
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport, Timeout: time.Minute}
	get := func(path string) (int, []byte) {
		var status int
		var body []byte
		eventually(t, patience, path, func() error {
			response, err := web.Get(fmt.Sprintf("https://127.0.0.1:%d%s", s.process.port(t, "machineConfig"), path))
			if err != nil {
				return err
			}
			defer response.Body.Close()
			status = response.StatusCode
			body, err = io.ReadAll(response.Body)
			return err
		})
		return status, body
	}
	if status, _ := get("/healthz"); status/100 != 2 {
		t.Errorf("healthz: %d", status)
	}
	if status, _ := get("/config/unknown"); status != http.StatusNotFound {
		t.Errorf("unknown pool: %d", status)
	}
	for _, role := range []string{"master", "worker"} {
		_, body := get("/config/" + role)
		config, report, err := ignition.Parse(body)
		if err != nil {
			t.Fatalf("%s: %v %s", role, err, report.String())
		}
		paths := map[string]bool{}
		for _, file := range config.Storage.Files {
			paths[file.Path] = true
		}
		for _, want := range []string{"/etc/kubernetes/kubeconfig", "/etc/kubernetes/ca.crt", "/etc/dnsmasq.conf", "/etc/hosts.d/aro.conf"} {
			if !paths[want] {
				t.Errorf("%s has no %s", role, want)
			}
		}
		if role == "worker" && !paths["/etc/containers/registries.conf"] {
			t.Error("the MachineConfig of Ignition version 2 is lost")
		}
	}
}

// strangerWaits asks for the certificate of a node that no machine is.
func (s *suite) strangerWaits(t *testing.T) {
	machine := s.kubelet(t)
	requests := machine.CertificatesV1().CertificateSigningRequests()
	strangers, _ := s.ask(t, machine, "stranger")
	later, _ := s.ask(t, machine, "demo-x7k2p-master-0") // requests are looked at one after another
	eventually(t, patience, "a machine's later request is approved", func() error {
		have, err := requests.Get(t.Context(), later, metav1.GetOptions{})
		if err == nil && len(have.Status.Conditions) == 0 {
			err = errors.New("it is open")
		}
		return err
	})
	have, err := requests.Get(t.Context(), strangers, metav1.GetOptions{})
	if err != nil || len(have.Status.Conditions) > 0 || len(have.Status.Certificate) > 0 {
		t.Errorf("%v, conditions %v", err, have.Status.Conditions)
	}
}

func (s *suite) bootstrapEnds(t *testing.T) {
	status := func() string {
		var state corev1.ConfigMap
		_ = s.admin.Get(t.Context(), client.ObjectKey{Namespace: "kube-system", Name: "bootstrap"}, &state)
		return state.Data["status"]
	}
	if have := status(); have == "complete" {
		t.Fatal("complete without a master")
	}
	for i := range 3 {
		go s.join(t, fmt.Sprintf("demo-x7k2p-master-%d", i), "master")
	}
	eventually(t, patience, "the bootstrap is complete", func() error {
		if have := status(); have != "complete" {
			return fmt.Errorf("status %q", have)
		}
		return nil
	})
}

// areLabelled looks for the columns that people see of machines.
func (s *suite) areLabelled(t *testing.T) {
	eventually(t, patience, "machines tell their size and place", func() error {
		for _, machine := range s.machines(t) {
			for _, name := range []string{"instance-type", "region", "zone"} {
				if machine.Labels["machine.openshift.io/"+name] == "" {
					return fmt.Errorf("%s has no %s", machine.Name, name)
				}
			}
		}
		return nil
	})
}

func (s *suite) machines(t *testing.T) []machinev1beta1.Machine {
	t.Helper()
	var list machinev1beta1.MachineList
	if err := s.admin.List(t.Context(), &list, client.MatchingLabels{"machine.openshift.io/cluster-api-machine-role": "worker"}); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// running waits for so many workers, each with its virtual machine.
func (s *suite) running(t *testing.T, want int) {
	t.Helper()
	eventually(t, patience, fmt.Sprintf("%d workers run", want), func() error {
		var phases []string
		count := 0
		for _, machine := range s.machines(t) {
			phases = append(phases, ptr.Deref(machine.Status.Phase, "-"))
			if machine.DeletionTimestamp == nil && ptr.Deref(machine.Status.Phase, "") == machinev1beta1.PhaseRunning && machine.Status.NodeRef != nil {
				count++
			}
		}
		vms := s.azure.named("virtualMachines")
		if count != want || len(phases) != want || len(vms) != want || len(s.azure.named("networkInterfaces")) != want {
			return fmt.Errorf("phases %v, virtual machines %v", phases, vms)
		}
		return nil
	})
}

func (s *suite) workersAreMade(t *testing.T) {
	s.running(t, 3)
	name := s.azure.named("virtualMachines")[0]
	body := s.azure.body("virtualMachines", name)
	for _, want := range []string{
		`"vmSize":"Standard_D4s_v5"`, name + `-nic`, name + `_OSDisk`, `"zones":["`, `"encryptionAtHost":true`, `"customData":"`, `"diskEncryptionSet":{"id":`, `"publisher":"azureopenshift"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the virtual machine has no %s: %s", want, body)
		}
	}
	nic := s.azure.body("networkInterfaces", name+"-nic")
	for _, want := range []string{"virtualNetworks/demo-vnet/subnets/worker", "loadBalancers/demo-x7k2p/backendAddressPools/demo-x7k2p"} {
		if !strings.Contains(nic, want) {
			t.Errorf("the network interface has no %s: %s", want, nic)
		}
	}
}

func (s *suite) operatorsSettle(t *testing.T) {
	eventually(t, patience, "the cluster version is available", func() error { return s.versionIs(t, "4.19.24") })
	s.settled(t)
	var service corev1.Service
	if err := s.admin.Get(t.Context(), client.ObjectKey{Namespace: "openshift-ingress", Name: "router-default"}, &service); err != nil {
		t.Fatal(err)
	}
	if given := service.Status.LoadBalancer.Ingress; len(given) != 1 || given[0].IP != service.Annotations["service.beta.kubernetes.io/azure-load-balancer-ipv4"] {
		t.Errorf("the router has %v", given)
	}
	var console configv1.Console
	if err := s.admin.Get(t.Context(), client.ObjectKey{Name: "cluster"}, &console); err != nil || console.Status.ConsoleURL != "https://console-openshift-console.apps."+domain {
		t.Errorf("%v, console at %q", err, console.Status.ConsoleURL)
	}
}

func (s *suite) settled(t *testing.T) {
	t.Helper()
	eventually(t, patience, "the operators have settled", func() error {
		var list configv1.ClusterOperatorList
		if err := s.admin.List(t.Context(), &list); err != nil {
			return err
		}
		if len(list.Items) < 25 {
			return fmt.Errorf("%d operators", len(list.Items))
		}
		for _, operator := range list.Items {
			for _, condition := range operator.Status.Conditions {
				want := condition.Type == configv1.OperatorAvailable || condition.Type == configv1.OperatorUpgradeable
				if (condition.Status == configv1.ConditionTrue) != want {
					return fmt.Errorf("%s: %s is %s: %s", operator.Name, condition.Type, condition.Status, condition.Message)
				}
			}
		}
		return nil
	})
}

func (s *suite) versionIs(t *testing.T, want string) error {
	var version configv1.ClusterVersion
	if err := s.admin.Get(t.Context(), client.ObjectKey{Name: "version"}, &version); err != nil {
		return err
	}
	if len(version.Status.History) == 0 {
		return errors.New("no history")
	}
	if have := version.Status.History[0]; have.Version != want || have.State != configv1.CompletedUpdate {
		return fmt.Errorf("%s is %s", have.Version, have.State)
	}
	for _, condition := range version.Status.Conditions {
		if condition.Type == configv1.OperatorProgressing && condition.Status != configv1.ConditionFalse {
			return errors.New(condition.Message)
		}
	}
	return nil
}

func (s *suite) certificateRollsOut(t *testing.T) {
	const name = "api." + domain
	before := s.revision(t)
	cert, key := sign(t, selfSigned(t, "public"), "", "", name)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: "apiserver"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key},
	}
	if err := s.admin.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	var config configv1.APIServer
	if err := s.admin.Get(t.Context(), client.ObjectKey{Name: "cluster"}, &config); err != nil {
		t.Fatal(err)
	}
	config.Spec.ServingCerts.NamedCertificates = []configv1.APIServerNamedServingCert{{Names: []string{name}, ServingCertificate: configv1.SecretNameReference{Name: "apiserver"}}}
	if err := s.admin.Update(t.Context(), &config); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the new certificate is presented", func() error {
		if issuer := s.issuer(t, name); issuer != "public" {
			return fmt.Errorf("issued by %s", issuer)
		}
		return nil
	})
	if issuer := s.issuer(t, "api-int."+domain); issuer != "kube-apiserver-lb-signer" {
		t.Errorf("the internal name has a certificate of %s", issuer)
	}
	s.settled(t)
	if after := s.revision(t); after <= before {
		t.Errorf("revision %d after %d", after, before)
	}
}

func (s *suite) revision(t *testing.T) int32 {
	t.Helper()
	var servers operatorv1.KubeAPIServer
	if err := s.admin.Get(t.Context(), client.ObjectKey{Name: "cluster"}, &servers); err != nil {
		t.Fatal(err)
	}
	return servers.Status.LatestAvailableRevision
}

func (s *suite) issuer(t *testing.T, name string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.process.port(t, "apiServer")), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Issuer.CommonName
}

func (s *suite) scale(t *testing.T, replicas int32) {
	t.Helper()
	set := &machinev1beta1.MachineSet{}
	if err := s.admin.Get(t.Context(), client.ObjectKey{Namespace: "openshift-machine-api", Name: "demo-x7k2p-worker-eastus1"}, set); err != nil {
		t.Fatal(err)
	}
	patch := client.MergeFrom(set.DeepCopy())
	set.Spec.Replicas = &replicas
	if err := s.admin.Patch(t.Context(), set, patch); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) scales(t *testing.T) {
	s.scale(t, 3)
	s.running(t, 5)
	s.scale(t, 1)
	s.running(t, 3)
	s.azure.mu.Lock()
	deleted := strings.Join(s.azure.deleted, " ")
	s.azure.mu.Unlock()
	for _, kind := range []string{"virtualmachines", "networkinterfaces", "disks"} {
		if strings.Count(deleted, "/"+kind+"/") != 2 {
			t.Errorf("deleted %s", deleted)
		}
	}
	var nodes corev1.NodeList
	if err := s.admin.List(t.Context(), &nodes); err != nil || len(nodes.Items) != 6 {
		t.Errorf("%v, %d nodes", err, len(nodes.Items))
	}
}

func (s *suite) quotaFails(t *testing.T) {
	s.azure.setQuota(true)
	s.scale(t, 2)
	eventually(t, patience, "the machine has failed", func() error {
		for _, machine := range s.machines(t) {
			if ptr.Deref(machine.Status.Phase, "") == machinev1beta1.PhaseFailed {
				if message := ptr.Deref(machine.Status.ErrorMessage, ""); !strings.Contains(message, "OperationNotAllowed") || !strings.Contains(string(machine.Status.ProviderStatus.Raw), "quota") {
					t.Errorf("message %q, provider %s", message, machine.Status.ProviderStatus.Raw)
				}
				return nil
			}
		}
		return errors.New("none did")
	})
	s.azure.setQuota(false)
	s.scale(t, 1)
	eventually(t, patience, "the failed machine is gone", func() error {
		if have := len(s.machines(t)); have != 3 {
			return fmt.Errorf("%d machines", have)
		}
		return nil
	})
}

func (s *suite) upgrades(t *testing.T) {
	var version configv1.ClusterVersion
	if err := s.admin.Get(t.Context(), client.ObjectKey{Name: "version"}, &version); err != nil {
		t.Fatal(err)
	}
	patch := client.MergeFrom(version.DeepCopy())
	version.Spec.DesiredUpdate = &configv1.Update{Version: "4.20.3", Image: "quay.io/openshift-release-dev/ocp-release:4.20.3-x86_64"}
	if err := s.admin.Patch(t.Context(), &version, patch); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "4.20.3 runs", func() error { return s.versionIs(t, "4.20.3") })
	s.settled(t)
	var operator configv1.ClusterOperator
	if err := s.admin.Get(t.Context(), client.ObjectKey{Name: "etcd"}, &operator); err != nil || len(operator.Status.Versions) == 0 || operator.Status.Versions[0].Version != "4.20.3" {
		t.Errorf("%v, etcd has %v", err, operator.Status.Versions)
	}
}

func (s *suite) survivesKill(t *testing.T) {
	kubeadmin := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kubeadmin"}}
	if err := s.admin.Delete(t.Context(), kubeadmin); err != nil {
		t.Fatal(err)
	}
	s.process.kill(t)
	s.process = start(s.whole, s.process.dir, s.azure.server.URL, s.azure.caFile)
	s.admin = newClient(t, s.process.reach(t, []byte(s.cluster.AdminKubeconfig)))
	s.settled(t)
	if err := s.versionIs(t, "4.20.3"); err != nil {
		t.Error(err)
	}
	eventually(t, patience, "the named certificate is presented again", func() error {
		if issuer := s.issuer(t, "api."+domain); issuer != "public" {
			return fmt.Errorf("issued by %s", issuer)
		}
		return nil
	})
	if err := s.admin.Get(t.Context(), client.ObjectKeyFromObject(kubeadmin), kubeadmin); !apierrors.IsNotFound(err) {
		t.Errorf("the deleted secret is back: %v", err)
	}
	if err := s.admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "later"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "Kubernetes' controllers run again", func() error {
		return s.admin.Get(t.Context(), client.ObjectKey{Namespace: "later", Name: "default"}, &corev1.ServiceAccount{})
	})
}

func (s *suite) stops(t *testing.T) { s.process.stop(t) }

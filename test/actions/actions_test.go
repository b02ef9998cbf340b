package actions

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "github.com/aro-rp/aro/generated/admin"
)

func exists(t *testing.T, object client.Object) bool {
	t.Helper()
	err := cluster.Get(t.Context(), client.ObjectKeyFromObject(object), object)
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestObjectsAreCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: etcd, Name: "note"}}
	body := func(value string) string {
		return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"openshift-etcd","name":"note"},"data":{"key":"` + value + `"}}`
	}
	const objects, one = "/kubernetesobjects", "/kubernetesobjects?kind=configmap&namespace=openshift-etcd&name=note"
	w.ask("POST", objects+"?dryRun=true", body("a")).want(t, http.StatusCreated, `"key":"a"`)
	if exists(t, note) {
		t.Error("the dry run created it")
	}
	w.ask("POST", objects, body("a")).want(t, http.StatusCreated)
	w.ask("POST", objects, body("b")).want(t, http.StatusOK, `"key":"b"`)
	w.ask("DELETE", one+"&dryrun=TRUE", "").want(t, http.StatusOK)
	if !exists(t, note) || note.Data["key"] != "b" {
		t.Errorf("after the dry run of a deletion: %v", note)
	}
	w.ask("DELETE", one+"&force=true", "").want(t, http.StatusForbidden, "Only pods")
	w.ask("DELETE", one, "").want(t, http.StatusOK)
	w.ask("DELETE", one, "").want(t, http.StatusNotFound)
	w.create(pod(etcd, "stuck", "", nil))
	w.ask("DELETE", "/kubernetesobjects?kind=pod&namespace=openshift-etcd&name=stuck&force=true", "").want(t, http.StatusOK)
	object := func(version, kind, namespace, name string) string {
		return `{"apiVersion":"` + version + `","kind":"` + kind + `","metadata":{"namespace":"` + namespace + `","name":"` + name + `"}}`
	}
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		object("v1", "Secret", etcd, "x"):                                                    {http.StatusForbidden, "Secrets"},
		object("v1", "ConfigMap", shop, "x"):                                                 {http.StatusForbidden, "namespaces of OpenShift"},
		object("v1", "ConfigMap", "", "x"):                                                   {http.StatusForbidden, "namespaces of OpenShift"},
		object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "x"):                {http.StatusForbidden, "Roles"},
		object("rbac.authorization.k8s.io/v1", "RoleBinding", etcd, "x"):                     {http.StatusForbidden, "Roles"},
		object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "x"): {http.StatusForbidden, "only nodes"},
		object("v1", "Namespace", "", "openshift-x"):                                         {http.StatusForbidden, "only nodes"},
		object("v1", "Deployment", etcd, "x"):                                                {http.StatusBadRequest, "not of this API"},
		object("v1", "ConfigMap", etcd, "../../shop/configmaps/x"):                           {http.StatusBadRequest, "name of letters"},
		object("v1/../v1", "ConfigMap", etcd, "x"):                                           {http.StatusBadRequest, "name of letters"},
		object("v1", "ConfigMap", etcd, ""):                                                  {http.StatusBadRequest, "metadata.name"},
		object("v1", "ConfigMap", etcd, "UPPER"):                                             {http.StatusBadRequest, "422"},
		`[]`:                                                                                 {http.StatusBadRequest, "one JSON object"},
	} {
		if a := w.ask("POST", objects, body); a.status != want.status || !strings.Contains(a.text, want.says) {
			t.Errorf("%s: %d %s", body, a.status, a.text)
		}
	}
	for query, says := range map[string]string{"kind=secret&namespace=openshift-etcd&name=x": "Secrets", "kind=clusterrole&name=x": "Roles", "kind=namespace&name=shop": "only nodes", "kind=pod&namespace=shop&name=x": "namespaces of OpenShift"} {
		w.ask("DELETE", objects+"?"+query, "").want(t, http.StatusForbidden, says)
	}
	for _, record := range []string{`"operation":"Admin_ApplyKubernetesObject"`, `"subject":"ConfigMap openshift-etcd/note","status":201,"outcome":"Succeeded","dry_run":true`, `"subject":"configmap openshift-etcd/note","status":403,"outcome":"Failed","dry_run":false`} {
		if !strings.Contains(w.Logged(), record) {
			t.Errorf("the audit lacks %s", record)
		}
	}
}

// signing returns a certificate signing request.
func signing(t *testing.T, name, signer string) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}, Subject: pkix.Name{CommonName: "system:node:" + name, Organization: []string{"system:nodes"}}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: certificatesv1.CertificateSigningRequestSpec{
		Request: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), SignerName: signer,
		Usages: []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}}}
}

func TestSigningRequestsAreApproved(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.create(signing(t, "serving-a", certificatesv1.KubeletServingSignerName), signing(t, "serving-b", certificatesv1.KubeletServingSignerName), signing(t, "other", "example.com/customer"))
	approved := func(name string) bool {
		request := &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: name}}
		return exists(t, request) && slices.ContainsFunc(request.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool {
			return c.Type == certificatesv1.CertificateApproved
		})
	}
	w.ask("POST", "/approvecsr?dryRun=true", "").want(t, http.StatusOK, `{"value":["serving-a","serving-b"]}`)
	if approved("serving-a") {
		t.Error("the dry run approved it")
	}
	w.ask("POST", "/approvecsr?csrName=serving-b", "").want(t, http.StatusOK, `{"value":["serving-b"]}`)
	w.ask("POST", "/approvecsr", "").want(t, http.StatusOK, `{"value":["serving-a"]}`)
	w.ask("POST", "/approvecsr", "").want(t, http.StatusOK, `{"value":[]}`)
	w.ask("POST", "/approvecsr?csrname=none", "").want(t, http.StatusNotFound)
	if !approved("serving-a") || !approved("serving-b") || approved("other") {
		t.Error("not those of kubelets were approved")
	}
}

func TestANodeIsDrained(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	const name = "drained"
	daemon := pod(etcd, "daemon", name, nil)
	daemon.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "d", UID: "1", Controller: new(true)}}
	static := pod(etcd, "static", name, nil)
	static.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	finished := pod(etcd, "finished", name, nil)
	finished.Status.Phase = corev1.PodSucceeded
	w.create(node(name, 0), daemon, static, finished, pod(etcd, "free", name, nil), pod(shop, "guarded", name, map[string]string{"app": "one"}), pod(shop, "twice", name, map[string]string{"app": "two"}))
	budget := func(name, app string) *policyv1.PodDisruptionBudget {
		return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name}, Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}}}
	}
	w.create(budget("one", "one"), budget("first", "two"), budget("second", "two"))
	tried := w.ask("POST", "/drainnode?vmName="+name+"&dryRun=true", "")
	tried.ended(t, api.OutcomeFailed, "pods to evict: 3; pods that stay: 3", "pod openshift-etcd/free: evicted", "pod shop/guarded: waits", "can never be evicted", "first, second")
	if free := pod(etcd, "free", "", nil); !exists(t, free) || free.DeletionTimestamp != nil {
		t.Error("the dry run evicted a pod")
	}
	allowed := budget("one", "one")
	if !exists(t, allowed) {
		t.Fatal("no budget")
	}
	allowed.Status.ObservedGeneration, allowed.Status.DisruptionsAllowed = allowed.Generation, 1
	if err := cluster.Status().Update(t.Context(), allowed); err != nil {
		t.Fatal(err)
	}
	w.ask("POST", "/drainnode?vmName="+name, "").ended(t, api.OutcomeFailed, "node drained is cordoned", "pod openshift-etcd/free: gone", "pod shop/guarded: gone", "Node drained is cordoned and not drained", "shop/twice can never be evicted")
	for _, gone := range []client.Object{pod(etcd, "free", "", nil), pod(shop, "guarded", "", nil)} {
		if exists(t, gone) {
			t.Errorf("%s is still there", gone.GetName())
		}
	}
	if !exists(t, daemon) || !exists(t, finished) {
		t.Error("a pod that should stay is gone")
	}
	if err := cluster.Delete(t.Context(), budget("second", "two")); err != nil {
		t.Fatal(err)
	}
	last := budget("first", "two")
	if !exists(t, last) {
		t.Fatal("no budget")
	}
	last.Status.ObservedGeneration, last.Status.DisruptionsAllowed = last.Generation, 1
	if err := cluster.Status().Update(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	w.ask("POST", "/drainnode?vmName="+name, "").ended(t, api.OutcomeSucceeded, "pods to evict: 1")
	w.ask("POST", "/drainnode?vmName=none", "").want(t, http.StatusNotFound)
	if record := `"operation":"Admin_DrainNode"`; !strings.Contains(w.Logged(), record) || !strings.Contains(w.Logged(), `"subject":"drained","status":200,"outcome":"Failed","dry_run":false,"code":"RequestNotAllowed"`) {
		t.Errorf("the audit does not say how a drain ended:\n%s", w.Logged())
	}
	now := node(name, 0)
	if !exists(t, now) || !now.Spec.Unschedulable {
		t.Error("the node is not cordoned")
	}
	w.ask("POST", "/cordonnode?vmName="+name+"&shouldCordon=false&dryRun=true", "").want(t, http.StatusOK)
	w.ask("POST", "/cordonnode?vmName="+name+"&shouldCordon=false", "").want(t, http.StatusOK)
	if now = node(name, 0); !exists(t, now) || now.Spec.Unschedulable {
		t.Error("the node is still cordoned")
	}
	w.ask("POST", "/drainnode?vmName="+name+"&dryRun=true", "").ended(t, api.OutcomeSucceeded, "node drained would be cordoned")
	if now = node(name, 0); !exists(t, now) || now.Spec.Unschedulable {
		t.Error("a dry run has cordoned the node")
	}
}

func TestACommandSaysHowItEnded(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	runs, refuses := &kubelet{run: shell}, &kubelet{}
	breaks := &kubelet{broken: "failed to exec in container: no such container"}
	w.create(node("runs", runs.serve(t)), node("refuses", refuses.serve(t)), node("breaks", breaks.serve(t)), node("dead", 1))
	w.create(pod(etcd, "etcd-runs", "runs", nil), pod(etcd, "etcd-refuses", "refuses", nil), pod(etcd, "etcd-breaks", "breaks", nil), pod(etcd, "etcd-dead", "dead", nil), pod(etcd, "etcd-waits", "", nil))
	run := func(pod, command string) answer {
		return w.ask("POST", "/exec", `{"namespace":"openshift-etcd","podName":"`+pod+`","command":["`+command+`"]}`)
	}
	both := run("etcd-runs", "both")
	both.ended(t, api.OutcomeSucceeded)
	if stdout, stderr := both.output(); stdout != "to the one\nno end" || stderr != "to the other\n" {
		t.Errorf("it wrote %q and %q", stdout, stderr)
	}
	three := run("etcd-runs", "three")
	if three.ended(t, api.OutcomeFailed, "exit code 3"); three.last().ExitCode == nil || *three.last().ExitCode != 3 {
		t.Error(three.text)
	}
	much := run("etcd-runs", "much")
	much.ended(t, api.OutcomeSucceeded, "the rest is left out")
	if stdout, _ := much.output(); len(stdout) < 1<<20 || len(stdout) > 1<<20+100 {
		t.Errorf("%d bytes of output", len(stdout))
	}
	// Each fails after the API server has accepted the connection.
	for pod, says := range map[string]string{"etcd-breaks": "no such container", "etcd-refuses": "simulated", "etcd-dead": "connection refused"} {
		failed := run(pod, "both")
		if failed.ended(t, api.OutcomeFailed, "did not run the command", says); failed.last().ExitCode != nil {
			t.Errorf("a command that was not run has an exit code: %s", failed.text)
		}
	}
	run("etcd-waits", "both").want(t, http.StatusBadRequest, "not scheduled")
	run("none", "both").want(t, http.StatusNotFound)
	run("etcd-runs", "").want(t, http.StatusBadRequest, "command")
	w.ask("POST", "/exec", `{"namespace":"shop","podName":"x","command":["sh"]}`).want(t, http.StatusForbidden, "namespaces of OpenShift")
	w.ask("POST", "/exec", `{"namespace":"openshift-etcd","podName":"x/y","command":["sh"]}`).want(t, http.StatusBadRequest, "podName")
	w.ask("POST", "/etcdkeycount?vmName=runs", "").want(t, http.StatusOK,
		`{"total":4,"prefixes":[{"prefix":"/kubernetes.io/pods","count":2},{"prefix":"/kubernetes.io/machine.openshift.io/machines","count":1},{"prefix":"/openshift.io/oauth","count":1}]}`)
	w.ask("POST", "/etcdkeycount?vmName=breaks", "").want(t, http.StatusBadRequest, "no such container")
	w.ask("POST", "/etcdkeycount?vmName=waits", "").want(t, http.StatusBadRequest, "not scheduled")
	w.ask("GET", "/kubernetespodlogs?namespace=openshift-etcd&podname=etcd-waits", "").want(t, http.StatusBadRequest, "not scheduled")
}

func TestAJobIsRunAndRemoved(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	k := &kubelet{logs: "found nothing\n"}
	w.create(node("worker", k.serve(t)))
	const body = `{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"look"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"look","image":"registry.example.com/tools"}]}}}}`
	w.ask("POST", "/runjob?dryRun=true", body).ended(t, api.OutcomeSucceeded, "look-")
	if all := jobsOf(t); len(all) != 0 {
		t.Errorf("the dry run left %v", all)
	}
	for old, changed := range map[string]string{`"spec":{"template"`: `"spec":{"backoffLimit":3,"template"`, `"Never"`: `"Always"`, `"batch/v1"`: `"v1"`,
		`"name":"look"}`: `"name":"look","namespace":"shop"}`, `[{"name":"look"`: `[{"name":"a","image":"b"},{"name":"look"`} {
		if a := w.ask("POST", "/runjob", strings.Replace(body, old, changed, 1)); a.status != http.StatusBadRequest && a.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", changed, a.status, a.text)
		}
	}
	for code, outcome := range map[int32]api.Outcome{0: api.OutcomeSucceeded, 4: api.OutcomeFailed} {
		ended := make(chan answer, 1)
		go func() { ended <- w.ask("POST", "/runjob", body) }()
		controlled(t, code)
		a := <-ended
		a.ended(t, outcome, "is created")
		if stdout, _ := a.output(); stdout != "found nothing\n" || a.last().Outcome == nil {
			t.Errorf("it wrote %q", stdout)
		}
		if all := jobsOf(t); len(all) != 0 {
			t.Errorf("left are %v", all)
		}
	}
}

func jobsOf(t *testing.T) []string {
	t.Helper()
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("List"))
	list.APIVersion, list.Kind = "batch/v1", "JobList"
	if err := cluster.List(t.Context(), &list, client.InNamespace(jobs)); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, job := range list.Items {
		if job.DeletionTimestamp == nil {
			names = append(names, job.Name)
		}
	}
	return names
}

// controlled does what the controller of jobs and a kubelet do for the only job.
func controlled(t *testing.T, code int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var names []string
	for len(names) == 0 {
		select {
		case <-ctx.Done():
			t.Fatal("no job was created")
		case <-tick.C:
			names = jobsOf(t)
		}
	}
	phase := corev1.PodSucceeded
	if code != 0 {
		phase = corev1.PodFailed
	}
	run := pod(jobs, names[0]+"-x", "worker", map[string]string{"job-name": names[0]})
	run.Status = corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "etcdctl", State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Ended"}}}}}
	status := run.Status
	if err := cluster.Create(ctx, run); err != nil {
		t.Fatal(err)
	}
	run.Status = status
	if err := cluster.Status().Update(ctx, run); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Delete(context.Background(), run, client.GracePeriodSeconds(0)) })
}

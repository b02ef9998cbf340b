package constraints_test

import (
	"context"
	"strings"
	"testing"

	securityv1 "github.com/openshift/api/security/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/utils/ptr"

	"github.com/aro-rp/aro/local/controlplane/constraints"
	"github.com/aro-rp/aro/local/controlplane/operators"
)

// release has the constraints of every cluster.
type release struct{}

func (release) HasSynced() bool { return true }

func (release) List() (all []*securityv1.SecurityContextConstraints) {
	for _, object := range operators.Defaults() {
		if one, is := object.(*securityv1.SecurityContextConstraints); is {
			all = append(all, one)
		}
	}
	return all
}

// grants are the constraints that service accounts may use by a role.
type grants map[string]string

func (g grants) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetVerb() == "use" && a.GetResource() == "securitycontextconstraints" && g[a.GetUser().GetName()] == a.GetName() {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

var (
	alice = &user.DefaultInfo{Name: "alice", Groups: []string{"system:authenticated", "system:authenticated:oauth"}}
	admin = &user.DefaultInfo{Name: "kube:admin", Groups: []string{"system:cluster-admins", "system:authenticated"}}
	role  = grants{"system:serviceaccount:shop:daemon": "privileged"}
)

// plugin is one of the plugins, with a namespace of the block 65.
func plugin(t *testing.T, p admission.Interface) admission.Interface {
	t.Helper()
	shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: constraints.Annotations(65)}}
	factory := informers.NewSharedInformerFactory(fake.NewClientset(shop), 0)
	if wants, ok := p.(initializer.WantsAuthorizer); ok {
		wants.SetAuthorizer(role)
	}
	p.(initializer.WantsExternalKubeInformerFactory).SetExternalKubeInformerFactory(factory)
	if err := p.(admission.InitializationValidator).ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	factory.Start(t.Context().Done())
	factory.WaitForCacheSync(t.Context().Done())
	return p
}

func pod(change func(*core.Pod)) *core.Pod {
	p := &core.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}, Spec: core.PodSpec{
		ServiceAccountName: "default", SecurityContext: &core.PodSecurityContext{}, Containers: []core.Container{{Name: "web", Image: "web"}},
	}}
	if change != nil {
		change(p)
	}
	return p
}

func security(context core.SecurityContext) func(*core.Pod) {
	return func(p *core.Pod) { p.Spec.Containers[0].SecurityContext = &context }
}

func attributes(p *core.Pod, old *core.Pod, who user.Info, operation admission.Operation) admission.Attributes {
	var before runtime.Object
	if old != nil {
		before = old
	}
	return admission.NewAttributesRecord(p, before, core.Kind("Pod").WithVersion("v1"), "shop", p.Name, core.Resource("pods").WithVersion("v1"), "", operation, &metav1.CreateOptions{}, false, who)
}

func TestPodsAreAdmittedByConstraints(t *testing.T) {
	t.Parallel()
	const (
		refused = `pods "web" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, `
		rest    = `provider "restricted": Forbidden: not usable by user or serviceaccount, provider "nonroot-v2": Forbidden: not usable by user or serviceaccount, ` +
			`provider "nonroot": Forbidden: not usable by user or serviceaccount, provider "hostmount-anyuid": Forbidden: not usable by user or serviceaccount, ` +
			`provider "hostnetwork-v2": Forbidden: not usable by user or serviceaccount, provider "hostnetwork": Forbidden: not usable by user or serviceaccount, ` +
			`provider "hostaccess": Forbidden: not usable by user or serviceaccount, provider "privileged": Forbidden: not usable by user or serviceaccount]`
	)
	p := plugin(t, constraints.NewPods(release{}))
	for name, want := range map[string]struct {
		who     user.Info
		pod     *core.Pod
		by      string
		refusal string
	}{
		"an ordinary pod":        {who: alice, pod: pod(nil), by: "restricted-v2"},
		"an administrator's pod": {who: admin, pod: pod(nil), by: "anyuid"},
		"a replica set's pod": {who: &user.DefaultInfo{Name: "system:admin", Groups: []string{"system:masters", "system:authenticated"}}, by: "restricted-v2", pod: pod(func(p *core.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web", Controller: ptr.To(true)}}
		})},
		"a user of the range": {who: alice, pod: pod(security(core.SecurityContext{RunAsUser: ptr.To[int64](1000650007)})), by: "restricted-v2"},
		"a privileged service": {who: alice, pod: pod(func(p *core.Pod) {
			p.Spec.ServiceAccountName = "daemon"
			security(core.SecurityContext{Privileged: ptr.To(true)})(p)
		}), by: "privileged"},
		"one that requires it": {who: admin, pod: pod(func(p *core.Pod) {
			p.Annotations = map[string]string{securityv1.RequiredSCCAnnotation: "restricted-v2"}
		}), by: "restricted-v2"},
		"one that claims to be other": {who: alice, pod: pod(func(p *core.Pod) { p.Annotations = map[string]string{securityv1.ValidatedSCCAnnotation: "privileged"} }), by: "restricted-v2"},
		"an odd request": {who: alice, pod: pod(func(p *core.Pod) { p.Annotations = map[string]string{securityv1.RequiredSCCAnnotation: "none"} }),
			refusal: `pods "web" is forbidden: required scc/none not found`},
		"privileged": {who: alice, pod: pod(security(core.SecurityContext{Privileged: ptr.To(true), AllowPrivilegeEscalation: ptr.To(false)})),
			refusal: refused + `provider restricted-v2: .containers[0].privileged: Invalid value: true: Privileged containers are not allowed, ` + rest},
		"root": {who: alice, pod: pod(security(core.SecurityContext{RunAsUser: ptr.To[int64](0)})),
			refusal: refused + `provider restricted-v2: .containers[0].runAsUser: Invalid value: 0: must be in the ranges: [1000650000, 1000659999], ` + rest},
		"a group": {who: alice, pod: pod(func(p *core.Pod) { p.Spec.SecurityContext.FSGroup = ptr.To[int64](1000) }),
			refusal: refused + `provider restricted-v2: .spec.securityContext.fsGroup: Invalid value: [1000]: 1000 is not an allowed group, ` + rest},
		"the node's network": {who: alice, pod: pod(func(p *core.Pod) { p.Spec.SecurityContext.HostNetwork = true }),
			refusal: refused + `provider restricted-v2: .spec.securityContext.hostNetwork: Invalid value: true: Host network is not allowed to be used, ` + rest},
		"a directory of the node": {who: alice, pod: pod(func(p *core.Pod) {
			p.Spec.Volumes = []core.Volume{{Name: "host", VolumeSource: core.VolumeSource{HostPath: &core.HostPathVolumeSource{Path: "/"}}}}
		}), refusal: refused + `spec.volumes[0]: Invalid value: "hostPath": hostPath volumes are not allowed to be used, ` + rest},
		"a capability": {who: alice, pod: pod(security(core.SecurityContext{Capabilities: &core.Capabilities{Add: []core.Capability{"NET_ADMIN"}}})),
			refusal: refused + `provider restricted-v2: .containers[0].capabilities.add: Invalid value: "NET_ADMIN": capability may not be added, ` + rest},
		"what the older constraints allow": {who: alice, pod: pod(security(core.SecurityContext{AllowPrivilegeEscalation: ptr.To(true)})),
			refusal: refused + `provider restricted-v2: .containers[0].allowPrivilegeEscalation: Invalid value: true: Allowing privilege escalation for containers is not allowed, ` +
				strings.TrimSuffix(rest, "]") + ", no access to scc/restricted: Forbidden: the pod fails to validate against the `restricted-v2` security context constraint, but would validate successfully against the `restricted` security context constraint]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := p.(admission.MutationInterface).Admit(t.Context(), attributes(want.pod, nil, want.who, admission.Create), nil)
			if want.refusal != "" {
				if err == nil || err.Error() != want.refusal {
					t.Fatalf("refused with\n%v, want\n%s", err, want.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if by := want.pod.Annotations[securityv1.ValidatedSCCAnnotation]; by != want.by {
				t.Fatalf("admitted by %q, want %q", by, want.by)
			}
			if err := p.(admission.ValidationInterface).Validate(t.Context(), attributes(want.pod, nil, want.who, admission.Create), nil); err != nil {
				t.Errorf("what was admitted is not valid: %v", err)
			}
			update := attributes(want.pod, want.pod.DeepCopy(), alice, admission.Update)
			if err := p.(admission.ValidationInterface).Validate(t.Context(), update, nil); err != nil && want.by == "restricted-v2" {
				t.Errorf("an update is refused: %v", err)
			}
		})
	}
}

func TestConstraintsFillInWhatAPodLeavesOpen(t *testing.T) {
	t.Parallel()
	p, one := plugin(t, constraints.NewPods(release{})).(admission.MutationInterface), pod(nil)
	if err := p.Admit(t.Context(), attributes(one, nil, alice, admission.Create), nil); err != nil {
		t.Fatal(err)
	}
	s, c := one.Spec.SecurityContext, one.Spec.Containers[0].SecurityContext
	if *s.FSGroup != 1000650000 || s.SELinuxOptions.Level != "s0:c26,c0" || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault || len(s.SupplementalGroups) != 0 {
		t.Errorf("the pod has %+v", s)
	}
	if *c.RunAsUser != 1000650000 || !*c.RunAsNonRoot || *c.AllowPrivilegeEscalation || len(c.Capabilities.Drop) != 1 || c.Capabilities.Drop[0] != "ALL" {
		t.Errorf("its container has %+v", c)
	}
	if profile := one.Annotations[core.SeccompPodAnnotationKey]; profile != "runtime/default" {
		t.Errorf("the annotation of its profile is %q", profile)
	}
}

func TestNamespacesGetRangesOfTheirOwn(t *testing.T) {
	t.Parallel()
	p := plugin(t, constraints.NewNamespaces()).(admission.MutationInterface)
	for _, want := range []struct{ uids, level string }{{"1000660000/10000", "s0:c26,c5"}, {"1000670000/10000", "s0:c26,c10"}} {
		one := &core.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "new", Annotations: map[string]string{"mine": "stays"}}}
		a := admission.NewAttributesRecord(one, nil, core.Kind("Namespace").WithVersion("v1"), "new", "new", core.Resource("namespaces").WithVersion("v1"), "", admission.Create, &metav1.CreateOptions{}, false, alice)
		if err := p.Admit(t.Context(), a, nil); err != nil {
			t.Fatal(err)
		}
		have := one.Annotations
		if have[securityv1.UIDRangeAnnotation] != want.uids || have[securityv1.SupplementalGroupsAnnotation] != want.uids || have[securityv1.MCSAnnotation] != want.level || have["mine"] != "stays" {
			t.Errorf("the namespace has %v, want %+v", have, want)
		}
	}
}

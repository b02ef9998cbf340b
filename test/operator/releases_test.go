package operator

import (
	"testing"

	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controllers/clusteroperator"
	"github.com/aro-rp/aro/operator/controllers/pullsecret"
	"github.com/aro-rp/aro/operator/flags"
)

// TestMembersOfANewerReleaseSurvive gives the Cluster and the PreviewFeature members and flags that this
// release does not know, as a newer service and a newer operator write them. This release's definitions,
// service and operator write after that.
func TestMembersOfANewerReleaseSurvive(t *testing.T) {
	w := newFixture(t)
	s := settings(nil)
	s.Cluster.GatewayDomains, s.Cluster.ArchitectureVersion = []string{"a.example.com"}, 1
	s.Flags = map[string]string{string(flags.Banner): "true", "of.an.engineer": "x"}
	d := w.deployed(s)
	c := named("aro.openshift.io", "v1alpha1", "Cluster", "", arov1alpha1.SingletonName)
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedFieldNoCopy(c.Object, path...)
		if value == nil {
			return ""
		}
		is, _ := value.(string)
		return is
	}
	flag := func(name flags.Name) string { return text("spec", "operatorflags", string(name)) }
	becomes(w, c, "flags of engineers win", func(*unstructured.Unstructured) bool {
		return flag(flags.Banner) == "true" && flag("of.an.engineer") == "x" && flag(flags.RBAC) == "true" && flag(flags.ForceReconciliation) == "false"
	})

	newer := named("aro.openshift.io", "v1alpha1", "Cluster", "", arov1alpha1.SingletonName)
	newer.Object["spec"] = map[string]any{"newer": map[string]any{"deep": "kept"}, "banner": map[string]any{"newer": "kept"},
		"internetChecker": map[string]any{"newer": "kept"}, "genevaLogging": map[string]any{"newer": "kept"}, "operatorflags": map[string]any{"of.newer": "kept"}}
	for _, owner := range []client.FieldOwner{"aro-rp", "kubectl"} {
		if err := w.Client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(newer.DeepCopy()), owner, client.ForceOwnership); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Status().Patch(t.Context(), c, client.RawPatch(types.MergePatchType, []byte(`{"status":{"newer":"kept"}}`))); err != nil {
		t.Fatal(err)
	}
	feature := named("preview.aro.openshift.io", "v1alpha1", "PreviewFeature", "", "cluster")
	feature.Object["spec"] = map[string]any{"newer": "kept"}
	w.with(feature)

	s.Cluster.GatewayDomains, s.Cluster.ArchitectureVersion, s.Flags = nil, 0, map[string]string{string(flags.RBAC): "false"}
	if missing, err := d.Apply(t.Context(), s); err != nil || missing != "" {
		t.Fatal(missing, err)
	}
	if err := d.Sync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	pull := dockerConfig("openshift-config", "pull-secret", "")
	w.cleans(pull)
	spec, err := pullsecret.New()
	if err != nil {
		t.Fatal(err)
	}
	w.run(spec, clusteroperator.New("build"))
	w.cleans(named("config.openshift.io", "v1", "ClusterOperator", "", "aro"))
	w.healthy("PullSecret")
	w.condition("PullSecretControllerAvailable", operatorv1.ConditionTrue, "")
	becomes(w, c, "the status is written", func(*unstructured.Unstructured) bool { return text("status", "operatorVersion") == "build" })
	for _, path := range [][]string{{"spec", "newer", "deep"}, {"spec", "banner", "newer"}, {"spec", "internetChecker", "newer"}, {"spec", "genevaLogging", "newer"},
		{"spec", "operatorflags", "of.newer"}, {"status", "newer"}} {
		if text(path...) != "kept" {
			t.Errorf("%v is gone", path)
		}
	}
	if _, has, _ := unstructured.NestedFieldNoCopy(c.Object, "spec", "gatewayDomains"); has {
		t.Error("a member stays that this release knows and does not want")
	}
	if flag("of.an.engineer") != "" || flag(flags.Banner) != "false" || flag(flags.RBAC) != "false" {
		t.Errorf("after a reset the flags are %v", c.Object["spec"])
	}
	if err := w.Get(t.Context(), key(feature), feature); err != nil || feature.Object["spec"].(map[string]any)["newer"] != "kept" {
		t.Errorf("a preview feature of a newer release is gone: %v, %v", feature.Object["spec"], err)
	}
	backup := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-azure-operator", Name: "cluster"}}
	becomes(w, backup, "the logins go with the Cluster", func(s *corev1.Secret) bool {
		return len(s.OwnerReferences) == 1 && s.OwnerReferences[0].UID == c.GetUID()
	})
}

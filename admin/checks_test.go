package admin

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/admin"
)

func TestEachCheckIsToldWhateverTheOthersFind(t *testing.T) {
	t.Parallel()
	found := func(wrong []string, seen string, err error) func(context.Context) ([]string, string, error) {
		return func(context.Context) ([]string, string, error) { return wrong, seen, err }
	}
	got := runChecks(t.Context(), []check{
		{"well", found(nil, "three", nil)},
		{"wrong", found([]string{"This.", "That."}, "", errors.New("and more"))},
		{"unknown", found(nil, "", arm.RequestNotAllowed.Errorf("Nobody knows."))},
	})
	want := []api.Check{{Name: "well", Outcome: "Succeeded", Message: "three"}, {Name: "wrong", Outcome: "Failed", Message: "This. That."}, {Name: "unknown", Outcome: "Unknown", Message: "Nobody knows."}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	if faults := failed(got); faults.Len() != 1 {
		t.Errorf("%d checks prevent a resize", faults.Len())
	}
}

func TestAControlPlaneDoesWithoutOneNodeOnly(t *testing.T) {
	t.Parallel()
	node := func(name string, status corev1.ConditionStatus) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}}}
	}
	a, b, c := node("a", corev1.ConditionTrue), node("b", corev1.ConditionFalse), node("c", corev1.ConditionUnknown)
	for _, test := range []struct {
		nodes []corev1.Node
		wrong int
	}{{[]corev1.Node{a, a, a}, 0}, {[]corev1.Node{a, a, b}, 0}, {[]corev1.Node{a, b, c}, 1}, {[]corev1.Node{a, a}, 1}, {nil, 1}} {
		r := &readiness{nodes: test.nodes}
		if wrong, _, err := r.nodesReady(t.Context()); err != nil || len(wrong) != test.wrong {
			t.Errorf("%d nodes: %q, %v", len(test.nodes), wrong, err)
		}
	}
}

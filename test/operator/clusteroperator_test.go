package operator

import (
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controllers/clusteroperator"
)

// says waits until the ClusterOperator has a condition.
func (w *fixture) says(kind configv1.ClusterStatusConditionType, status configv1.ConditionStatus, part string) *configv1.ClusterOperator {
	w.Helper()
	return becomes(w, &configv1.ClusterOperator{ObjectMeta: metav1.ObjectMeta{Name: "aro"}}, string(kind)+" is "+string(status)+" with "+part, func(o *configv1.ClusterOperator) bool {
		for _, c := range o.Status.Conditions {
			if c.Type == kind && c.Status == status && strings.Contains(c.Reason+" "+c.Message, part) {
				return true
			}
		}
		return false
	})
}

// report writes conditions as an operator of another time did.
func (w *fixture) report(c *arov1alpha1.Cluster, conditions ...operatorv1.OperatorCondition) {
	w.Helper()
	w.eventually("conditions are written", func() error {
		if err := w.Get(w.Context(), key(c), c); err != nil {
			return err
		}
		for i := range conditions {
			conditions[i].LastTransitionTime = metav1.Now()
		}
		c.Status.Conditions = conditions
		return w.Status().Update(w.Context(), c)
	})
}

func TestClusterOperatorSumsUp(t *testing.T) {
	w := newFixture(t)
	object := &configv1.ClusterOperator{ObjectMeta: metav1.ObjectMeta{Name: "aro"}}
	w.cleans(object)
	c := w.cluster()
	w.run(clusteroperator.New("build-1"))
	w.says(configv1.OperatorAvailable, configv1.ConditionUnknown, "NoData")
	found := w.says(configv1.OperatorDegraded, configv1.ConditionFalse, "AsExpected")
	if len(found.OwnerReferences) != 1 || found.OwnerReferences[0].UID != c.UID || len(found.Status.Versions) != 1 || found.Status.Versions[0].Version != "build-1" {
		t.Errorf("owner or version is wrong: %s", brief(found))
	}
	becomes(w, c, "the version is noted", func(c *arov1alpha1.Cluster) bool { return c.Status.OperatorVersion == "build-1" })

	good := []operatorv1.OperatorCondition{
		{Type: "NodeControllerAvailable", Status: "True"}, {Type: "NodeControllerProgressing", Status: "False"}, {Type: "NodeControllerDegraded", Status: "False"},
	}
	w.report(c, append(good, operatorv1.OperatorCondition{Type: "OfAnOldRelease", Status: "True"})...)
	w.says(configv1.OperatorAvailable, configv1.ConditionTrue, "AsExpected")
	w.says(configv1.OperatorProgressing, configv1.ConditionFalse, "AsExpected")
	becomes(w, c, "the condition of an old release is forgotten, the others stay", func(c *arov1alpha1.Cluster) bool { return len(c.Status.Conditions) == 3 })

	w.report(c, append(good[:1:1], operatorv1.OperatorCondition{Type: "NodeControllerProgressing", Status: "True", Reason: "Draining", Message: "node a"},
		operatorv1.OperatorCondition{Type: "NodeControllerDegraded", Status: "True", Message: "broken"})...)
	w.says(configv1.OperatorProgressing, configv1.ConditionTrue, "Node_Draining NodeControllerProgressing: node a")
	w.says(configv1.OperatorDegraded, configv1.ConditionFalse, "AsExpected")

	if err := w.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	w.says(configv1.OperatorProgressing, configv1.ConditionTrue, "node a")
	w.quiet()
	before := w.requests.count()
	w.touched()
	if writes := w.requests.writes(before); len(writes) > 0 {
		t.Errorf("it writes what is there: %v", writes)
	}
}

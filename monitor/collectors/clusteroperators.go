package collectors

import (
	"context"
	"regexp"
)

// clusterOperator is what is read of a ClusterOperator.
type clusterOperator struct {
	Metadata identified `json:"metadata"`
	Status   struct {
		Conditions []condition `json:"conditions"`
		Versions   []struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"versions"`
	} `json:"status"`
}

func readOperators(ctx context.Context, l *Look) ([]clusterOperator, error) {
	return listAll[clusterOperator](ctx, l, "/apis/config.openshift.io/v1/clusteroperators", nil)
}

// expectedOfOperators are the conditions of every healthy operator.
var expectedOfOperators = map[string]string{"Available": isTrue, "Degraded": isFalse, "Progressing": isFalse,
	"Upgradeable": isTrue, "EvaluationConditionsDetected": isFalse}

// said matches conditions: the operator, the type, and the status; an empty status matches any.
type said struct{ operator, kind, status *regexp.Regexp }

func saying(operator, kind, status string) said {
	of := func(text string) *regexp.Regexp {
		if text == "" {
			return nil
		}
		return regexp.MustCompile("^(?:" + text + ")$")
	}
	return said{of(operator), of(kind), of(status)}
}

func (s said) matches(operator string, c condition) bool {
	is := func(r *regexp.Regexp, text string) bool { return r == nil || r.MatchString(text) }
	return is(s.operator, operator) && is(s.kind, c.Type) && is(s.status, c.Status)
}

// ignoredOfOperators are conditions of operators that are not reported.
var ignoredOfOperators = []said{
	saying("cloud-controller-manager", "TrustedCABundleControllerControllerDegraded", isFalse),
	saying("cloud-controller-manager", "TrustedCABundleControllerControllerAvailable", isTrue),
	saying("cloud-controller-manager", "CloudConfigControllerDegraded", isFalse),
	saying("cloud-controller-manager", "CloudConfigControllerUpgradeable", isTrue),
	saying("cloud-controller-manager", "CloudControllerOwner", isTrue),
	saying("baremetal", "Disabled", isTrue),
	saying("network", "ManagementStateDegraded", isFalse),
	saying("", ".*(EvaluationConditionsDetected|Upgradeable).*", isUnknown),
	saying("etcd", "RecentBackup", ""),
	saying("cluster-api", "(CapiInstaller|SecretSync|InfraCluster)ControllerAvailable", ""),
}

// ignoresOthers are the operators of which only the expected types count.
var ignoresOthers = map[string]bool{"insights": true}

// operatorCondition reports whether a condition of an operator is reported. Ignored ones are
// checked first: an Upgradeable that is Unknown is ignored, although True is expected.
func operatorCondition(operator string, c condition) bool {
	for _, s := range ignoredOfOperators {
		if s.matches(operator, c) {
			return false
		}
	}
	status, known := expectedOfOperators[c.Type]
	if !known {
		return !ignoresOthers[operator]
	}
	return c.Status != status
}

// operatorsConditions reports the conditions of cluster operators that are not as expected.
func operatorsConditions(_ context.Context, l *Look) error {
	all, err := l.operators()
	if err != nil {
		return err
	}
	l.Emit.EmitGauge("clusteroperator.count", int64(len(all)), nil)
	for i := range all {
		for _, c := range all[i].Status.Conditions {
			if name := all[i].Metadata.Name; operatorCondition(name, c) {
				l.gauge("clusteroperator.conditions", map[string]string{"name": name, "type": c.Type, "status": c.Status})
				l.hourly("cluster operator", "name", name, "type", c.Type, "status", c.Status, "message", c.Message)
			}
		}
	}
	return nil
}

// operatorsVersions reports the operators whose version is not the cluster's desired one.
func operatorsVersions(_ context.Context, l *Look) error {
	all, err := l.operators()
	if err != nil {
		return err
	}
	for i := range all {
		for _, v := range all[i].Status.Versions {
			if v.Name == "operator" && v.Version != l.version.desired() {
				l.gauge("clusteroperator.versions", map[string]string{"name": all[i].Metadata.Name, "version": v.Version})
			}
		}
	}
	return nil
}

package collectors

import (
	"cmp"
	"context"
	"strings"
)

// clusterVersion is what is read of the ClusterVersion.
type clusterVersion struct {
	Spec struct {
		DesiredUpdate *struct {
			Version string `json:"version"`
		} `json:"desiredUpdate"`
	} `json:"spec"`
	Status struct {
		Desired struct {
			Version string `json:"version"`
		} `json:"desired"`
		History []struct {
			State   string `json:"state"`
			Version string `json:"version"`
		} `json:"history"`
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

// readVersion reads the ClusterVersion, which many collectors need.
func readVersion(ctx context.Context, l *Look) error {
	var v clusterVersion
	if err := l.get(ctx, "/apis/config.openshift.io/v1/clusterversions/version", cached(), &v); err != nil {
		return err
	}
	l.version = &v
	return nil
}

// actual is the newest version whose update was completed.
func (v *clusterVersion) actual() string {
	for _, h := range v.Status.History {
		if h.State == "Completed" {
			return h.Version
		}
	}
	return ""
}

// desired is the version that the cluster is to have.
func (v *clusterVersion) desired() string {
	if d := v.Spec.DesiredUpdate; d != nil && d.Version != "" {
		return d.Version
	}
	return v.Status.Desired.Version
}

// minor is x.y of a version x.y.z.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "." + parts[1]
}

// ofMajor is the version if it is one of OpenShift x.
func ofMajor(version, major string) string {
	if !strings.HasPrefix(version, major+".") {
		return ""
	}
	return version
}

// nextMajor reports clusters whose current or desired version is OpenShift 5.
func nextMajor(_ context.Context, l *Look) error {
	actual, desired := ofMajor(l.version.actual(), "5"), ofMajor(l.version.desired(), "5")
	if actual != "" || desired != "" {
		l.gauge("cluster.openshift5.versions", map[string]string{"actualVersion": actual, "desiredVersion": desired})
	}
	return nil
}

// expectedOfVersion are the conditions of the ClusterVersion of a healthy cluster.
var expectedOfVersion = map[string]string{"Available": isTrue, "Progressing": isFalse, "Degraded": isFalse, "Upgradeable": isTrue}

// versionConditions reports the conditions of the ClusterVersion that are not as expected.
func versionConditions(_ context.Context, l *Look) error {
	for _, c := range unexpected(l.version.Status.Conditions, expectedOfVersion) {
		l.gauge("clusterversion.conditions", map[string]string{"type": c.Type, "status": c.Status})
		l.hourly("cluster version", "type", c.Type, "status", c.Status, "message", c.Message)
	}
	return nil
}

// versions reports the versions of the cluster and of the programs that created it.
func versions(_ context.Context, l *Look) error {
	programs, err := l.programs()
	if err != nil {
		return err
	}
	operator := cmp.Or(programs[operatorDeployments[0]].Metadata.Labels["version"], "unknown")
	available := ""
	if l.Build != l.Cluster.ProvisionedBy {
		available = l.Build
	}
	actual := l.version.actual()
	l.gauge("cluster.versions", map[string]string{"actualVersion": actual, "desiredVersion": l.version.desired(),
		"provisionedByResourceProviderVersion": l.Cluster.ProvisionedBy, "resourceProviderVersion": l.Build,
		"operatorVersion": operator, "availableRP": available, "actualMinorVersion": minor(actual)})
	return nil
}

package collectors

import (
	"context"
	"strconv"
	"time"
)

// provisioning reports, once an hour, the cluster's provisioning state.
func provisioning(l *Look) {
	l.gauge("cluster.provisioning", map[string]string{"provisioningState": l.Cluster.ProvisioningState, "failedProvisioningState": l.Cluster.FailedProvisioningState})
}

// summary reports, once an hour, the cluster's main properties.
func summary(_ context.Context, l *Look) error {
	if !l.Hourly {
		return nil
	}
	nodes, err := l.nodes()
	if err != nil {
		return err
	}
	count := map[string]int{}
	for i := range nodes {
		count[nodes[i].role()]++
	}
	actual := l.version.actual()
	l.gauge("cluster.summary", map[string]string{"actualVersion": actual, "actualMinorVersion": minor(actual), "desiredVersion": l.version.desired(),
		"masterCount": strconv.Itoa(count["master"]), "workerCount": strconv.Itoa(count["worker"]),
		"provisioningState": l.Cluster.ProvisioningState, "createdAt": l.Cluster.CreatedAt.UTC().Format(time.RFC3339)})
	return nil
}

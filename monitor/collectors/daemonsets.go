package collectors

import (
	"context"
	"slices"
	"strconv"
)

const loggingNamespace = "openshift-azure-logging"

// exporters are the daemon sets that send the logs of the service.
var exporters = []string{"otel-exporter-master", "otel-exporter-worker"}

// daemonSet is what is read of a DaemonSet.
type daemonSet struct {
	Metadata identified `json:"metadata" protobuf:"1"`
	Status   struct {
		Desired   int64 `json:"desiredNumberScheduled" protobuf:"3"`
		Available int64 `json:"numberAvailable" protobuf:"7"`
	} `json:"status" protobuf:"3"`
}

// daemonSets reports the exporters that do not run on all nodes.
func daemonSets(ctx context.Context, l *Look) error {
	return list(ctx, l, "/apis/apps/v1/namespaces/"+loggingNamespace+"/daemonsets", nil, func(set *daemonSet) {
		name := set.Metadata.Name
		if !slices.Contains(exporters, name) || set.Status.Desired == set.Status.Available {
			return
		}
		dims := map[string]string{"name": name, "namespace": loggingNamespace,
			"desiredNumberScheduled": strconv.FormatInt(set.Status.Desired, 10), "numberAvailable": strconv.FormatInt(set.Status.Available, 10)}
		l.gauge("daemonset.statuses", dims)
		if set.Status.Available == 0 {
			l.gauge("genevalogging.otel.cannotstart", dims)
		}
	})
}

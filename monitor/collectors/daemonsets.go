package collectors

import (
	"context"
	"errors"
	"strconv"
)

const loggingNamespace = "openshift-azure-logging"

// exporters are the daemon sets that send the logs of the service.
var exporters = []string{"otel-exporter-master", "otel-exporter-worker"}

// daemonSets reports the exporters that do not run on all nodes.
func daemonSets(ctx context.Context, l *Look) error {
	var errs []error
	for _, name := range exporters {
		var set struct {
			Status struct {
				Desired   int64 `json:"desiredNumberScheduled"`
				Available int64 `json:"numberAvailable"`
			} `json:"status"`
		}
		err := l.get(ctx, "/apis/apps/v1/namespaces/"+loggingNamespace+"/daemonsets/"+name, cached(), &set)
		if err != nil {
			if !absent(err) {
				errs = append(errs, err)
			}
			continue
		}
		if set.Status.Desired == set.Status.Available {
			continue
		}
		dims := map[string]string{"name": name, "namespace": loggingNamespace,
			"desiredNumberScheduled": strconv.FormatInt(set.Status.Desired, 10), "numberAvailable": strconv.FormatInt(set.Status.Available, 10)}
		l.gauge("daemonset.statuses", dims)
		if set.Status.Available == 0 {
			l.gauge("genevalogging.otel.cannotstart", dims)
		}
	}
	return errors.Join(errs...)
}

package collectors

import (
	"context"

	"github.com/aro-rp/aro/model"
)

// maintenanceStates are the words of the metric.
var maintenanceStates = map[string]string{"": "none", string(model.NoMaintenance): "none", string(model.MaintenancePending): "pending",
	string(model.MaintenancePlanned): "planned", string(model.MaintenanceUnplanned): "unplanned", string(model.CustomerActionNeeded): "customerActionNeeded"}

// maintenance reports the cluster's present or pending maintenance.
func maintenance(_ context.Context, l *Look) error {
	if state, known := maintenanceStates[l.Cluster.MaintenanceState]; known {
		l.gauge("cluster.maintenance.pucm", map[string]string{"state": state})
	}
	return nil
}

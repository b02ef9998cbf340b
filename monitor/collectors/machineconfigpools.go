package collectors

import "context"

// machineConfigPool is what is read of a MachineConfigPool.
type machineConfigPool struct {
	Metadata identified `json:"metadata"`
	Status   struct {
		MachineCount int64       `json:"machineCount"`
		Conditions   []condition `json:"conditions"`
	} `json:"status"`
}

func readPools(ctx context.Context, l *Look) ([]machineConfigPool, error) {
	return listAll[machineConfigPool](ctx, l, "/apis/machineconfiguration.openshift.io/v1/machineconfigpools", nil)
}

// expectedOfPools are the conditions of a healthy pool.
var expectedOfPools = map[string]string{"Degraded": isFalse, "NodeDegraded": isFalse, "RenderDegraded": isFalse, "Updating": isFalse, "Updated": isTrue}

// poolConditions reports the conditions of pools that are not as expected.
func poolConditions(_ context.Context, l *Look) error {
	all, err := l.pools()
	if err != nil {
		return err
	}
	l.Emit.EmitGauge("machineconfigpool.count", int64(len(all)), nil)
	for i := range all {
		for _, c := range unexpected(all[i].Status.Conditions, expectedOfPools) {
			l.gauge("machineconfigpool.conditions", map[string]string{"name": all[i].Metadata.Name, "type": c.Type, "status": c.Status})
			l.hourly("machine config pool", "name", all[i].Metadata.Name, "type", c.Type, "status", c.Status, "message", c.Message)
		}
	}
	return nil
}

// unmanagedNodes reports the number of nodes minus the number that the pools count, which may be
// negative.
func unmanagedNodes(_ context.Context, l *Look) error {
	pools, err := l.pools()
	if err != nil {
		return err
	}
	nodes, err := l.nodes()
	if err != nil {
		return err
	}
	n := int64(len(nodes))
	for i := range pools {
		n -= pools[i].Status.MachineCount
	}
	if n != 0 {
		l.Emit.EmitGauge("machineconfigpool.unmanagednodescount", n, nil)
	}
	return nil
}

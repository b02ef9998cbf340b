package collectors

import (
	"context"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	machineNamespace = "openshift-machine-api"
	roleLabel        = "machine.openshift.io/cluster-api-machine-role"
	machineSetLabel  = "machine.openshift.io/cluster-api-machineset"
)

// machine is what is read of a Machine.
type machine struct {
	Metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		ProviderSpec struct {
			Value struct {
				SpotVMOptions jsontext.Value `json:"spotVMOptions"`
			} `json:"value"`
		} `json:"providerSpec"`
	} `json:"spec"`
	Status struct {
		Phase        *string `json:"phase"`
		ErrorMessage string  `json:"errorMessage"`
	} `json:"status"`
}

func (m *machine) role() string { return m.Metadata.Labels[roleLabel] }
func (m *machine) set() string  { return m.Metadata.Labels[machineSetLabel] }

// spot reports whether Azure may take the machine away.
func (m *machine) spot() string {
	options := m.Spec.ProviderSpec.Value.SpotVMOptions
	return strconv.FormatBool(len(options) > 0 && string(options) != "null")
}

// readMachines reads the machines by their names.
func readMachines(ctx context.Context, l *Look) (map[string]machine, error) {
	all := map[string]machine{}
	err := list(ctx, l, "/apis/machine.openshift.io/v1beta1/namespaces/"+machineNamespace+"/machines", nil, func(m *machine) { all[m.Metadata.Name] = *m })
	return all, err
}

// machinePhases reports the phase of each machine. A failure to list machines is only logged: the
// nodes' collector reports the same failure.
func machinePhases(_ context.Context, l *Look) error {
	all, err := l.machines()
	if err != nil {
		l.Log.Warn("machines cannot be listed", "resource_id", l.Cluster.ResourceID, "error", err)
		return nil
	}
	l.Emit.EmitGauge("machine.count", int64(len(all)), nil)
	for name, m := range all {
		if m.Status.Phase == nil {
			continue
		}
		l.gauge("machine.phase", map[string]string{"machineName": name, "phase": *m.Status.Phase,
			"spotInstance": m.spot(), "role": m.role(), "machineset": m.set()})
		l.hourly("machine", "name", name, "phase", *m.Status.Phase, "message", m.Status.ErrorMessage)
	}
	return nil
}

package admin

import (
	"maps"
	"slices"

	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
)

// maintenance is what a request wants done to a cluster.
type maintenance struct {
	task  model.MaintenanceTask
	flags map[string]string // of the operator
	reset bool              // whether other flags return to their defaults
}

// maintenance reads the body; the task is Everything if it names none.
func (c *call) maintenance() (*maintenance, error) {
	var body api.ClusterUpdate
	if err := c.strict(&body); err != nil {
		return nil, err
	}
	m := &maintenance{task: model.Everything}
	if p := body.Properties; p != nil && p.MaintenanceTask != nil {
		m.task = model.MaintenanceTask(*p.MaintenanceTask)
	}
	if p := body.Properties; p != nil && p.OperatorFlags != nil {
		m.flags = *p.OperatorFlags
	}
	if all := model.MaintenanceRequests(); !slices.Contains(all, m.task) {
		return nil, arm.InvalidParameter.At("properties.maintenanceTask", "There is no such maintenance task. There are %v.", all)
	}
	if strategy := body.OperatorFlagsMergeStrategy; strategy != nil {
		all := []api.OperatorFlagsMergeStrategy{api.Merge, api.Reset}
		if !slices.Contains(all, *strategy) {
			return nil, arm.InvalidParameter.At("operatorFlagsMergeStrategy", "There is no such strategy. There are %v.", all)
		}
		m.reset = *strategy == api.Reset
	}
	if _, empty := m.flags[""]; empty {
		return nil, arm.InvalidParameter.At("properties.operatorFlags", "A flag must have a name.")
	}
	if _, announced := m.announces(); announced && (m.reset || len(m.flags) > 0) {
		return nil, arm.InvalidParameter.At("properties.operatorFlags", "The task %s starts no maintenance that could apply flags. Name another task, for example %s.", m.task, model.SyncClusterObject)
	}
	return m, nil
}

// announces returns the maintenance state of a task that only sets it.
func (m *maintenance) announces() (state model.MaintenanceState, announced bool) {
	state = model.MaintenanceState(m.task)
	return state, slices.Contains(model.AnnouncedStates(), state)
}

// flagsOver returns the operator flags of a cluster that had others before.
func (m *maintenance) flagsOver(before map[string]string) map[string]string {
	all := map[string]string{}
	if !m.reset {
		maps.Copy(all, before)
	}
	maps.Copy(all, m.flags)
	if len(all) == 0 {
		return nil
	}
	return all
}

package collectors

import (
	"cmp"
	"context"
	"strings"
)

const (
	machineAnnotation = "machine.openshift.io/machine"
	nodeRoleLabel     = "node-role.kubernetes.io/"
)

// node is what is read of a Node.
type node struct {
	Metadata struct {
		Name        string            `json:"name" protobuf:"1"`
		Labels      map[string]string `json:"labels" protobuf:"11"`
		Annotations map[string]string `json:"annotations" protobuf:"12"`
	} `json:"metadata" protobuf:"1"`
	Status struct {
		Conditions []condition `json:"conditions" protobuf:"4"`
		NodeInfo   struct {
			KubeletVersion string `json:"kubeletVersion" protobuf:"7"`
		} `json:"nodeInfo" protobuf:"7"`
	} `json:"status" protobuf:"3"`
}

func readNodes(ctx context.Context, l *Look) ([]node, error) {
	return listAll[node](ctx, l, "/api/v1/nodes", nil)
}

// nodeRoles are the roles that are counted. A node with several has the first.
var nodeRoles = []string{"master", "worker", "infra"}

const noRole = "unknown"

func (n *node) role() string {
	for _, role := range nodeRoles {
		if _, has := n.Metadata.Labels[nodeRoleLabel+role]; has {
			return role
		}
	}
	return noRole
}

// expectedOfNode returns the expected status of a node's condition: Ready is true. All other
// conditions, DiskPressure, MemoryPressure, PIDPressure and more, report problems.
func expectedOfNode(kind string) (status string) {
	if kind == "Ready" {
		return isTrue
	}
	return isFalse
}

// nodeConditions reports the conditions of nodes that are not as expected, and the number of nodes.
func nodeConditions(_ context.Context, l *Look) error {
	all, err := l.nodes()
	if err != nil {
		return err
	}
	machines, err := l.machines()
	if err != nil {
		machines = nil // nodes are reported without data of their machines
	}
	count := map[string]int64{}
	for i := range all {
		n := &all[i]
		count[n.role()]++
		_, name, _ := strings.Cut(n.Metadata.Annotations[machineAnnotation], "/")
		m := machines[name]
		role := cmp.Or(m.role(), n.role()) // a node may be there before its machine is known
		for _, c := range n.Status.Conditions {
			if c.Status == expectedOfNode(c.Type) {
				continue
			}
			l.gauge("node.conditions", map[string]string{"nodeName": n.Metadata.Name, "type": c.Type, "status": c.Status,
				"spotInstance": m.spot(), "role": role, "machineset": m.set()})
			l.hourly("node", "name", n.Metadata.Name, "type", c.Type, "status", c.Status, "message", c.Message)
		}
		l.gauge("node.kubelet.version", map[string]string{"nodeName": n.Metadata.Name, "role": role, "kubeletVersion": n.Status.NodeInfo.KubeletVersion})
	}
	for _, role := range nodeRoles {
		l.Emit.EmitGauge("node.count", count[role], map[string]string{"role": role})
	}
	if count[noRole] > 0 {
		l.Emit.EmitGauge("node.count", count[noRole], map[string]string{"role": noRole})
	}
	return nil
}

package openshift

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Finding is the result of one diagnostic, in lines.
type Finding struct{ Name, Text string }

// mostLines bounds the lines about objects of one kind.
const mostLines = 100

// Findings returns diagnostics of the cluster. One that cannot be read contains its
// error.
func (c *Cluster) Findings(ctx context.Context) []Finding {
	diagnostics := []struct {
		name string
		read func(context.Context) ([]string, error)
	}{
		{"cluster version", c.describeVersion},
		{"cluster operators", c.describeOperators},
		{"nodes", c.describeNodes},
		{"machines", c.describeMachines},
		{"ingress controllers", c.describeIngress},
	}
	findings := make([]Finding, len(diagnostics))
	for i, d := range diagnostics {
		lines, err := d.read(ctx)
		if err != nil {
			lines = []string{"cannot be read: " + Why(err)}
		}
		if len(lines) > mostLines {
			lines = append(lines[:mostLines], fmt.Sprintf("and %d more", len(lines)-mostLines))
		}
		findings[i] = Finding{d.name, strings.Join(lines, "\n")}
	}
	return findings
}

func (c *Cluster) describeVersion(ctx context.Context) ([]string, error) {
	var version configv1.ClusterVersion
	if err := c.Get(ctx, types.NamespacedName{Name: clusterVersion}, &version); err != nil {
		return nil, err
	}
	lines := []string{"desired " + version.Status.Desired.Version}
	for _, update := range version.Status.History {
		lines = append(lines, fmt.Sprintf("%s %s since %s", update.State, update.Version, update.StartedTime.UTC()))
	}
	for _, condition := range version.Status.Conditions {
		lines = append(lines, conditionLine(string(condition.Type), string(condition.Status), condition.Reason, condition.Message))
	}
	return lines, nil
}

// describeOperators lists those that are not ready first, with the reason.
func (c *Cluster) describeOperators(ctx context.Context) ([]string, error) {
	var operators configv1.ClusterOperatorList
	if err := c.List(ctx, &operators, Where{}); err != nil {
		return nil, err
	}
	var lines []string
	ready := 0
	for i := range operators.Items {
		if why := unsettled(operators.Items[i].Status.Conditions); why != "" {
			lines = append(lines, operators.Items[i].Name+": "+why)
		} else {
			ready++
		}
	}
	slices.Sort(lines)
	return append([]string{fmt.Sprintf("%d of %d are ready", ready, len(operators.Items))}, lines...), nil
}

func (c *Cluster) describeNodes(ctx context.Context) ([]string, error) {
	var nodes corev1.NodeList
	if err := c.List(ctx, &nodes, Where{}); err != nil {
		return nil, err
	}
	lines := []string{fmt.Sprintf("%d of %d are ready", countReady(nodes.Items), len(nodes.Items))}
	for i := range nodes.Items {
		for _, condition := range nodes.Items[i].Status.Conditions {
			// All conditions except Ready are problems if they are true.
			if (condition.Type == corev1.NodeReady) != (condition.Status == corev1.ConditionTrue) {
				lines = append(lines, nodes.Items[i].Name+": "+conditionLine(string(condition.Type), string(condition.Status), condition.Reason, condition.Message))
			}
		}
	}
	return lines, nil
}

func (c *Cluster) describeMachines(ctx context.Context) ([]string, error) {
	var machines machinev1beta1.MachineList
	if err := c.List(ctx, &machines, Where{Namespace: machineNamespace}); err != nil {
		return nil, err
	}
	lines := make([]string, 0, len(machines.Items))
	for i := range machines.Items {
		m := &machines.Items[i]
		line := m.Name + " " + cmp.Or(phase(m), "without phase")
		if m.Status.ErrorMessage != nil {
			line += ": " + Short(*m.Status.ErrorMessage)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (c *Cluster) describeIngress(ctx context.Context) ([]string, error) {
	var routers operatorv1.IngressControllerList
	if err := c.List(ctx, &routers, Where{}); err != nil {
		return nil, err
	}
	var lines []string
	for i := range routers.Items {
		r := &routers.Items[i]
		lines = append(lines, fmt.Sprintf("%s: %d replicas available", r.Name, r.Status.AvailableReplicas))
		for _, condition := range r.Status.Conditions {
			lines = append(lines, "  "+conditionLine(condition.Type, string(condition.Status), condition.Reason, condition.Message))
		}
	}
	return lines, nil
}

func conditionLine(kind, status, reason, message string) string {
	line := kind + "=" + status
	if reason != "" {
		line += " " + reason
	}
	if message != "" {
		line += ": " + Short(message)
	}
	return line
}

package portal

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
)

// objectsTimeout bounds what a page waits for a cluster.
const objectsTimeout = 15 * time.Second

// objects is the state that a cluster reports.
type objects struct {
	ID       arm.ClusterID
	Sections []section
	Error    string
}

// section is a table of objects of a kind.
type section struct {
	Title   string
	Columns []string
	Rows    []line
	Error   string
}

// line is an object; Trouble means that it is not as expected.
type line struct {
	Trouble bool
	Cells   []string
}

// PortalShowObjects shows the cluster's nodes, machines and operators.
func (p *Portal) PortalShowObjects(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	id := c.clusterID()
	doc, err := p.Store.Clusters.Get(c.Ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return armhttp.NotFound(id)
	}
	if err != nil {
		return err
	}
	shown, v := objects{ID: id}, p.page(c, doc.Cluster.Name)
	in := &doc.Cluster.Internal
	cluster, err := openshift.Connect([]byte(in.ServiceKubeconfig), in.PrivateEndpointIP, func(context.Context) func() { return func() {} })
	if err != nil {
		shown.Error = "The cluster has no API server that the portal can reach yet."
		return v.show(c, v.objects(shown))
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(c.Ctx(), objectsTimeout)
	defer cancel()
	for _, ask := range []func(context.Context, *openshift.Cluster) section{operators, nodes, machines, machineSets} {
		shown.Sections = append(shown.Sections, ask(ctx, cluster))
	}
	return v.show(c, v.objects(shown))
}

// add adds a row.
func (s *section) add(trouble bool, cells ...string) {
	s.Rows = append(s.Rows, line{trouble, cells})
}

// read reads the objects of a section, and reports whether they are there.
func (s *section) read(ctx context.Context, from *openshift.Cluster, list runtime.Object) bool {
	if err := from.List(ctx, list, openshift.Where{}); err != nil {
		s.Error = openshift.Why(err)
	}
	return s.Error == ""
}

func operators(ctx context.Context, from *openshift.Cluster) section {
	s := section{Title: "Cluster operators", Columns: []string{"Name", "Available", "Progressing", "Degraded", "Message"}}
	var list configv1.ClusterOperatorList
	if !s.read(ctx, from, &list) {
		return s
	}
	for i := range list.Items {
		o, says, message := &list.Items[i], map[configv1.ClusterStatusConditionType]string{}, ""
		for _, condition := range o.Status.Conditions {
			says[condition.Type] = string(condition.Status)
			degraded := condition.Type == configv1.OperatorDegraded && condition.Status == configv1.ConditionTrue
			if unavailable := condition.Type == configv1.OperatorAvailable && condition.Status == configv1.ConditionFalse; (degraded || unavailable) && message == "" {
				message = cmp.Or(openshift.Short(condition.Message), condition.Reason, "no reason is given")
			}
		}
		s.add(message != "", o.Name, says[configv1.OperatorAvailable], says[configv1.OperatorProgressing], says[configv1.OperatorDegraded], message)
	}
	return s
}

func nodes(ctx context.Context, from *openshift.Cluster) section {
	s := section{Title: "Nodes", Columns: []string{"Name", "Ready", "Roles", "CPU", "Memory", "Pods", "Kubelet", "Since"}}
	var list corev1.NodeList
	if !s.read(ctx, from, &list) {
		return s
	}
	for i := range list.Items {
		n, ready := &list.Items[i], "Unknown"
		for _, condition := range n.Status.Conditions {
			if condition.Type == corev1.NodeReady {
				ready = string(condition.Status)
			}
		}
		if n.Spec.Unschedulable {
			ready += ", cordoned"
		}
		a := n.Status.Allocatable
		s.add(ready != "True", n.Name, ready, strings.Join(rolesOf(n), ", "), a.Cpu().String(), a.Memory().String(), a.Pods().String(), n.Status.NodeInfo.KubeletVersion, minute(n.CreationTimestamp.Time))
	}
	return s
}

func rolesOf(n *corev1.Node) (roles []string) {
	for label := range n.Labels {
		if role, ok := strings.CutPrefix(label, "node-role.kubernetes.io/"); ok {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return roles
}

func machines(ctx context.Context, from *openshift.Cluster) section {
	s := section{Title: "Machines", Columns: []string{"Name", "Phase", "Error", "Since"}}
	var list machinev1beta1.MachineList
	if !s.read(ctx, from, &list) {
		return s
	}
	for i := range list.Items {
		m, phase, message := &list.Items[i], "Unknown", ""
		if m.Status.Phase != nil {
			phase = *m.Status.Phase
		}
		if m.Status.ErrorMessage != nil {
			message = openshift.Short(*m.Status.ErrorMessage)
		}
		s.add(phase == "Failed", m.Name, phase, message, minute(m.CreationTimestamp.Time))
	}
	return s
}

func machineSets(ctx context.Context, from *openshift.Cluster) section {
	s := section{Title: "Machine sets", Columns: []string{"Name", "Desired", "Ready"}}
	var list machinev1beta1.MachineSetList
	if !s.read(ctx, from, &list) {
		return s
	}
	for i := range list.Items {
		set, desired := &list.Items[i], 1
		if set.Spec.Replicas != nil {
			desired = int(*set.Spec.Replicas)
		}
		ready := int(set.Status.ReadyReplicas)
		s.add(ready != desired, set.Name, grouped(desired), grouped(ready))
	}
	return s
}

func minute(t time.Time) string { return stamp(t, "2006-01-02 15:04") }

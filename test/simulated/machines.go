package simulated

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/simulated/provider"
	"github.com/aro-rp/aro/wait"
)

// masterCount is OpenShift's number of control plane machines.
const masterCount = 3

// How often a condition is polled: often at first, later at intervals of a tenth of
// its age.
const (
	fastestPoll = 250 * time.Millisecond
	slowestPoll = 10 * time.Second
)

// machines are the steps about the cluster's machines and what runs on them.
type machines struct {
	provider Machines
	now      func() time.Time
}

// specOf is what the provider shall make of the cluster.
func specOf(c *model.Cluster) provider.Spec {
	p := &c.Properties
	spec := provider.Spec{
		ID: c.Internal.UID, Name: c.Name, InfraID: c.Internal.InfraID,
		Domain: p.ClusterProfile.Domain, Version: p.ClusterProfile.Version, Location: c.Location,
		PodCIDR: p.NetworkProfile.PodCIDR, ServiceCIDR: p.NetworkProfile.ServiceCIDR,
		Masters: provider.Pool{Name: "master", VMSize: p.MasterProfile.VMSize, Count: masterCount},
	}
	for _, w := range p.WorkerProfiles {
		spec.Workers = append(spec.Workers, provider.Pool{Name: w.Name, VMSize: w.VMSize, Count: w.Count})
	}
	return spec
}

// nodesOf is how many nodes the cluster shall have.
func nodesOf(c *model.Cluster) int {
	n := masterCount
	for _, w := range c.Properties.WorkerProfiles {
		n += w.Count
	}
	return n
}

func (m machines) apply(ctx context.Context, w *backend.ClusterWork) error {
	_, err := m.provider.Apply(ctx, specOf(w.Resource()))
	if errors.Is(err, provider.ErrRefused) {
		return arm.OperationFailed.Errorf("The cluster's machines were refused.").Because(err)
	}
	return err
}

// status reads the machines. If they are lost it requests them again; the step's
// timeout bounds this.
func (m machines) status(ctx context.Context, c *model.Cluster) (provider.Status, error) {
	status, err := m.provider.Get(ctx, c.Internal.UID)
	if errors.Is(err, provider.ErrNotFound) {
		return m.provider.Apply(ctx, specOf(c))
	}
	return status, err
}

func (m machines) apiServerAnswers(ctx context.Context, w *backend.ClusterWork) error {
	status, err := m.status(ctx, w.Resource())
	if err != nil || status.APIServerReady {
		return err
	}
	return m.later(w, status, "the API server to answer")
}

// storeAccess stores how the cluster is reached, and the credentials for it.
func (m machines) storeAccess(ctx context.Context, w *backend.ClusterWork) error {
	status, err := m.status(ctx, w.Resource())
	if err != nil {
		return err
	}
	if !status.APIServerReady || len(status.AdminKubeconfig) == 0 {
		return m.later(w, status, "the cluster's credentials")
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		p := &c.Properties
		p.APIServerProfile.URL, p.APIServerProfile.IP = status.APIServerURL, status.APIServerIP
		p.ConsoleProfile.URL = status.ConsoleURL
		for i := range p.IngressProfiles {
			p.IngressProfiles[i].IP = status.IngressIP
		}
		c.Internal.AdminKubeconfig = model.Secret(status.AdminKubeconfig)
		c.Internal.UserAdminKubeconfig = model.Secret(status.AdminKubeconfig)
		c.Internal.KubeadminPassword = model.Secret(status.KubeadminPassword)
		return nil
	})
}

// nodesAreReady compares with what the cluster shall have: right after a change
// the provider may still count what was before.
func (m machines) nodesAreReady(ctx context.Context, w *backend.ClusterWork) error {
	status, err := m.status(ctx, w.Resource())
	if err != nil {
		return err
	}
	want := nodesOf(w.Resource())
	if status.NodesWanted == want && status.NodesReady == want {
		return nil
	}
	return m.later(w, status, fmt.Sprintf("%d nodes to be ready, %d are", want, status.NodesReady))
}

func (m machines) remove(ctx context.Context, w *backend.ClusterWork) error {
	gone, err := m.provider.Remove(ctx, w.Resource().Internal.UID)
	if err != nil || gone {
		return err
	}
	return m.later(w, provider.Status{}, "the control plane to be removed")
}

// later waits for the next attempt, with the provider's message if it has one.
func (m machines) later(w *backend.ClusterWork, status provider.Status, waitingFor string) error {
	if status.Message != "" {
		waitingFor += " (" + status.Message + ")"
	}
	age := m.now().Sub(w.Resource().Internal.Operation.Current.StartedAt)
	return wait.Later(min(max(age/10, fastestPoll), slowestPoll), waitingFor)
}

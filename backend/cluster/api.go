package cluster

import (
	"context"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// reach connects to a cluster as the service: with its own kubeconfig, or the
// installer's while that is all there is, and through the private endpoint.
func reach(c *model.Cluster) (*openshift.Cluster, error) {
	kubeconfig := c.Internal.ServiceKubeconfig
	if kubeconfig == "" {
		kubeconfig = c.Internal.AdminKubeconfig
	}
	return openshift.Connect([]byte(kubeconfig), c.Internal.PrivateEndpointIP, func(ctx context.Context) func() {
		return wait.Await(ctx, wait.Cluster)
	})
}

// clusterAPI makes steps that query or change a cluster through its API server.
type clusterAPI struct{ env *environment.Environment }

// ask makes a step of a query about a part of the cluster: it waits while the query reports
// something as missing.
func (s *clusterAPI) ask(ctx context.Context, w *Work, part string, question func(context.Context, *openshift.Cluster) (missing string, err error)) error {
	return s.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		missing, err := question(ctx, kube)
		if err != nil || missing == "" {
			return err
		}
		return laterFor(part, w, missing)
	})
}

// apiServer is the component through which all others are queried.
const apiServer = "kube-apiserver"

// change makes a step of a change. It waits while the API server is unavailable: it may restart at
// any time, above all during the installation. The same applies to a webhook that does not answer.
func (s *clusterAPI) change(ctx context.Context, w *Work, change func(context.Context, *openshift.Cluster) error) error {
	c := w.Resource()
	kube, err := reach(c)
	if err != nil {
		return err
	}
	defer kube.Close()
	err = change(ctx, kube)
	if stop := openshift.StoppedBy(err); stop != nil {
		return wait.Again(stoppedBy(stop)) // err may hold what a webhook was shown
	}
	if err != nil && ctx.Err() == nil && openshift.Unreachable(err) {
		return laterFor(apiServer, w, "the API server api."+s.env.FullDomain(c.Properties.ClusterProfile.Domain)+" to answer ("+openshift.Why(err)+")")
	}
	if missing := openshift.Obstacle(err); missing != "" && ctx.Err() == nil {
		return later(w, missing)
	}
	return err
}

// stoppedBy is the error for customers that names their webhook or policy that rejects a change.
func stoppedBy(stop *openshift.Stop) *arm.Error {
	if stop.Why != "" {
		return arm.AdmissionDenied.Errorf("The %s %q in the cluster cannot be called, and so the API server refuses what the service has to change: %s. "+
			"Repair the webhook, or remove its configuration.", stop.What, stop.Name, strings.TrimRight(stop.Why, "."))
	}
	return arm.AdmissionDenied.Errorf("The %s %q in the cluster refuses what the service has to change. "+
		"Exempt OpenShift's own namespaces and objects from it, or remove its configuration.", stop.What, stop.Name)
}

// settled makes a step that waits for operators.
func (s *clusterAPI) settled(ctx context.Context, w *Work, operators ...string) error {
	return s.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		var parts, missing []string
		for _, operator := range operators {
			why, err := kube.Settled(ctx, operator)
			if err != nil {
				return err
			}
			if why != "" {
				parts, missing = append(parts, operator), append(missing, why)
			}
		}
		if len(parts) == 0 {
			return nil
		}
		return laterFor(strings.Join(parts, ", "), w, strings.Join(missing, ", "))
	})
}

// follow stores what the cluster reports, if it reports anything.
func (s *clusterAPI) follow(ctx context.Context, w *Work, ask func(*openshift.Cluster, context.Context) (string, error), place func(*model.Cluster) *string) error {
	var reported string
	err := s.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (err error) {
		reported, err = ask(kube, ctx)
		return err
	})
	if err != nil || reported == "" {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if *place(c) == reported {
			return store.ErrUnchanged
		}
		*place(c) = reported
		return nil
	})
}

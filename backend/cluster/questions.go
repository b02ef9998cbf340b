package cluster

import (
	"github.com/aro-rp/aro/wait"

	"context"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
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

// ask makes a step of a question about a part of the cluster: it waits for what
// the cluster says is missing.
func (s *steps) ask(ctx context.Context, w *Work, part string, question func(context.Context, *openshift.Cluster) (missing string, err error)) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		missing, err := question(ctx, kube)
		if err != nil || missing == "" {
			return err
		}
		return laterFor(part, w, missing)
	})
}

// apiServer is the part that all the others are asked for.
const apiServer = "kube-apiserver"

// tell makes a step of a change. It waits while the API server does not answer,
// or not well: it may restart at any time, most of all while it is installed. A
// webhook that cannot be asked may restart too.
func (s *steps) tell(ctx context.Context, w *Work, change func(context.Context, *openshift.Cluster) error) error {
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
		return laterFor(apiServer, w, "the API server api."+s.Env.FullDomain(c.Properties.ClusterProfile.Domain)+" to answer ("+openshift.Why(err)+")")
	}
	if missing := openshift.Obstacle(err); missing != "" && ctx.Err() == nil {
		return later(w, missing)
	}
	return err
}

// stoppedBy tells customers which webhook or policy of theirs stands in the way.
func stoppedBy(stop *openshift.Stop) *arm.Error {
	if stop.Why != "" {
		return arm.AdmissionDenied.Errorf("The %s %q in the cluster cannot be called, and so the API server refuses what the service has to change: %s. "+
			"Repair the webhook, or remove its configuration.", stop.What, stop.Name, strings.TrimRight(stop.Why, "."))
	}
	return arm.AdmissionDenied.Errorf("The %s %q in the cluster refuses what the service has to change. "+
		"Exempt OpenShift's own namespaces and objects from it, or remove its configuration.", stop.What, stop.Name)
}

// settled makes a step that waits for operators.
func (s *steps) settled(ctx context.Context, w *Work, operators ...string) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
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

// kubeFindings tells what the cluster says about itself.
func (s *steps) kubeFindings(ctx context.Context, c *model.Cluster) []model.Finding {
	kube, err := reach(c)
	if err != nil {
		return []model.Finding{{Name: "API server", Text: "not asked: " + err.Error()}}
	}
	defer kube.Close()
	if err := kube.Answers(ctx); err != nil {
		return []model.Finding{{Name: "API server", Text: "does not answer: " + openshift.Why(err)}}
	}
	findings := []model.Finding{{Name: "API server", Text: "answers"}}
	for _, f := range kube.Findings(ctx) {
		findings = append(findings, model.Finding{Name: f.Name, Text: f.Text})
	}
	return findings
}

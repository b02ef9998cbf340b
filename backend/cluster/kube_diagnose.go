package cluster

import (
	"context"

	"github.com/aro-rp/aro/backend/openshift"
	"github.com/aro-rp/aro/model"
)

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

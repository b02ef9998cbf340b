package collectors

import "context"

// authentication reports how the cluster authenticates to Azure.
func authentication(_ context.Context, l *Look) error {
	kind := "servicePrincipal"
	if l.Cluster.WorkloadIdentity {
		kind = "managedIdentity"
	}
	l.gauge("cluster.AuthenticationType", map[string]string{"type": kind})
	return nil
}

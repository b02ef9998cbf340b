package collectors

import "context"

// authentication tells how the cluster proves to Azure who it is.
func authentication(_ context.Context, l *Look) error {
	kind := "servicePrincipal"
	if l.Cluster.WorkloadIdentity {
		kind = "managedIdentity"
	}
	l.gauge("cluster.AuthenticationType", map[string]string{"type": kind})
	return nil
}

package openshift

import (
	"fmt"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// controllers prepares what OpenShift's operators would do.
func (p *plane) controllers(config *rest.Config) (manager.Manager, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	log := logr.FromSlogHandler(p.Log.Handler())
	ctrl.SetLogger(log)
	m, err := manager.New(config, manager.Options{
		Scheme:  scheme,
		Logger:  log,
		Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		return nil, fmt.Errorf("controllers: %w", err)
	}
	return m, nil
}

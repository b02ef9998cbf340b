package controlplane

import (
	"context"
	"fmt"

	schedulerapp "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
)

// newScheduler gives a program that must run after the API server answers, as the controller manager must.
func (p *plane) newScheduler() (component, error) {
	kubeconfig, err := p.writeKubeconfig("kube-scheduler", bootstrap.Scheduler)
	if err != nil {
		return nil, err
	}
	options := scheduleroptions.NewOptions()
	flags := map[string]string{"kubeconfig": kubeconfig, "leader-elect": "false", "secure-port": "0", "profiling": "false"}
	if err := parse(*options.Flags, flags); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		config, scheduler, err := schedulerapp.Setup(ctx, options)
		if err != nil {
			return fmt.Errorf("kube-scheduler: %w", err)
		}
		if err := schedulerapp.Run(ctx, config, scheduler); err != nil {
			return fmt.Errorf("kube-scheduler: %w", err)
		}
		return nil
	}, nil
}

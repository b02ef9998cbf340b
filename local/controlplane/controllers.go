package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/aro-rp/aro/local/controlplane/machineapi"
	"github.com/aro-rp/aro/local/controlplane/machineconfig"
	"github.com/aro-rp/aro/local/controlplane/operators"
)

// controllers prepares what OpenShift's operators would do.
func (p *plane) controllers(config *rest.Config) (manager.Manager, error) {
	m, err := p.newManager(config)
	if err != nil {
		return nil, fmt.Errorf("controllers: %w", err)
	}
	release := operators.Release{Version: p.config.Version, Image: p.config.Image, Domain: p.config.Domain, InfraID: p.config.InfraID}
	if err := operators.Add(m, release); err != nil {
		return nil, err
	}
	if err := machineconfig.Add(m); err != nil {
		return nil, err
	}
	if err := addRollout(m, p.serving, p.ports.APIServer); err != nil {
		return nil, err
	}
	if err := p.version.follow(m); err != nil {
		return nil, err
	}
	cloud, err := p.cloud(config)
	if err != nil {
		return nil, err
	}
	return m, machineapi.Add(m, cloud)
}

func (p *plane) newManager(config *rest.Config) (manager.Manager, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	log := logr.FromSlogHandler(warnings{p.Log.Handler()})
	ctrl.SetLogger(log)
	return manager.New(config, manager.Options{Scheme: scheme, Logger: log, Metrics: server.Options{BindAddress: "0"}})
}

// cloud is nil when no address of Azure is configured.
func (p *plane) cloud(config *rest.Config) (*machineapi.Cloud, error) {
	if p.Azure == "" {
		return nil, nil
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	token := func(ctx context.Context) (string, error) {
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"openshift"}}}
		answer, err := client.CoreV1().ServiceAccounts(machineapi.Namespace).CreateToken(ctx, "machine-api-controllers", request, metav1.CreateOptions{})
		if err != nil {
			return "", fmt.Errorf("token of the machine API: %w", err)
		}
		if answer.Status.Token == "" {
			return "", errors.New("token of the machine API: empty")
		}
		return answer.Status.Token, nil
	}
	return machineapi.NewCloud(p.Azure, p.AzureCAFile, token)
}

// warnings drops informational logs of controllers.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

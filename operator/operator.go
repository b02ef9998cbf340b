// Package operator runs the controllers that keep a cluster right from the inside.
package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	configv1 "github.com/openshift/api/config/v1"
	consolev1 "github.com/openshift/api/console/v1"
	imageregistryv1 "github.com/openshift/api/imageregistry/v1"
	machinev1 "github.com/openshift/api/machine/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	previewv1alpha1 "github.com/aro-rp/aro/operator/apis/preview/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
)

// Options configure an operator.
type Options struct {
	// Config is the configuration of the client for the API server.
	Config *rest.Config
	// Controllers are what it does.
	Controllers []controller.Spec
	// Health and Metrics are addresses to listen on; "0" for none.
	Health, Metrics string
	// Debug is an address for profiles; empty for none.
	Debug string
	Log   *slog.Logger
	// KindsEvery is how often kinds are looked for that the server does not serve yet; 0 for a minute.
	KindsEvery time.Duration
}

// Run runs controllers until ctx ends, or one cannot be set up.
func Run(ctx context.Context, o Options) error {
	for {
		err := run(ctx, o)
		if !errors.Is(err, controller.ErrKinds) {
			return err
		}
		o.Log.InfoContext(ctx, "operator starts again", "because", err.Error())
	}
}

// run runs them until the server serves further kinds, too.
func run(ctx context.Context, o Options) error {
	scheme, err := Scheme()
	if err != nil {
		return err
	}
	web, err := rest.HTTPClientFor(o.Config)
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(o.Config, web)
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	live, err := client.New(o.Config, client.Options{Scheme: scheme, Mapper: mapper, HTTPClient: web})
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	unserved, err := controller.Unserved(o.Controllers, mapper)
	if err != nil {
		return err
	}
	caches := controller.CacheOptions(o.Controllers, unserved)
	caches.ByObject[&arov1alpha1.Cluster{}] = named(arov1alpha1.SingletonName)
	caches.ByObject[&configv1.ClusterVersion{}] = named("version")
	m, err := manager.New(o.Config, manager.Options{
		Scheme: scheme, Cache: caches, Logger: logr.FromSlogHandler(o.Log.Handler()),
		MapperProvider:         func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return mapper, nil },
		Metrics:                metricsserver.Options{BindAddress: o.Metrics},
		HealthProbeBindAddress: o.Health, PprofBindAddress: o.Debug,
	})
	if err != nil {
		return fmt.Errorf("operator: %w", err)
	}
	for _, add := range []func(string, healthz.Checker) error{m.AddHealthzCheck, m.AddReadyzCheck} {
		if err := add("ready", healthz.Ping); err != nil {
			return fmt.Errorf("operator: %w", err)
		}
	}
	if err := controller.Add(m, live, o.Log, o.Controllers, unserved); err != nil {
		return err
	}
	await := func(ctx context.Context) error { return unserved.Await(ctx, mapper, cmp.Or(o.KindsEvery, time.Minute)) }
	if err := m.Add(manager.RunnableFunc(await)); err != nil {
		return fmt.Errorf("operator: %w", err)
	}
	return m.Start(ctx)
}

func named(name string) cache.ByObject {
	return cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", name)}
}

// Scheme knows the kinds that controllers read and write as Go's types.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionv1.AddToScheme, appsv1.AddToScheme, corev1.AddToScheme, rbacv1.AddToScheme, arov1alpha1.AddToScheme, previewv1alpha1.AddToScheme, configv1.Install, consolev1.Install, imageregistryv1.Install,
		machinev1.Install, machinev1beta1.Install, machineconfigurationv1.Install, operatorv1.Install,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("kinds of the operator: %w", err)
		}
	}
	return scheme, nil
}

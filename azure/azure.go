// Package azure is how the service reaches Azure: which cloud, as whom, with
// which clients, how often it tries, and what Azure's errors mean to a customer.
//
// It offers the official SDK's clients and hides none of them. What is done with
// them is not its business: that is package cluster's and package preflight's.
package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/environment"
)

// Options are what a Azure needs. Log and Metrics may be nil.
type Options struct {
	Cloud       Cloud
	Environment *environment.Environment
	// Transport reaches the cloud; its CA pool is the process's.
	Transport *http.Client
	// Service is the service's own identity.
	Service azcore.TokenCredential
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Azure is Azure, reached as the service.
type Azure struct {
	cloud     Cloud
	env       *environment.Environment
	transport *http.Client
	service   azcore.TokenCredential
	log       *slog.Logger
	metrics   *metrics
	// certificates holds the first party application's certificate.
	certificates *VaultCache

	mu sync.Mutex
	// application acts as the first party application with the certificate of
	// applicationVersion.
	application        *azidentity.ClientCertificateCredential
	applicationVersion string
}

// New makes the clients' common ground. It calls nobody: see Load.
func New(o Options) (*Azure, error) {
	if o.Environment == nil || o.Transport == nil || o.Service == nil || o.Cloud.Services == nil {
		return nil, errors.New("azure: cloud, environment, transport and service identity are needed")
	}
	m, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, fmt.Errorf("azure: metrics: %w", err)
	}
	a := &Azure{cloud: o.Cloud, env: o.Environment, transport: o.Transport, service: o.Service,
		log: cmp.Or(o.Log, slog.Default()), metrics: m}
	a.certificates, err = a.Keep(o.Environment.ServiceVault, firstPartyCertificate)
	return a, err
}

// Load reads what the service needs from its vault, once at start, and says
// clearly what it lacks.
func (a *Azure) Load(ctx context.Context) error { return a.certificates.Load(ctx) }

// Run keeps fresh what Load read, until ctx ends.
func (a *Azure) Run(ctx context.Context) error { return a.certificates.Run(ctx) }

// Cloud is where a reaches to.
func (a *Azure) Cloud() Cloud { return a.cloud }

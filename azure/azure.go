// Package azure gives the service access to Azure: the cloud, the identities, the
// SDK's clients, retries, and the explanation of Azure's errors to customers.
//
// It provides the official SDK's clients without wrapping them. Packages
// backend/cluster and azure/preflight use them.
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
	"github.com/aro-rp/aro/metrics"
)

// Options configure an Azure. Log and Metrics may be nil.
type Options struct {
	Cloud       Cloud
	Environment *environment.Environment
	// Transport connects to the cloud, with the process's certificate authorities.
	Transport *http.Client
	// Service is the service's own identity.
	Service azcore.TokenCredential
	Log     *slog.Logger
	Metrics prometheus.Registerer
	// Emit gets what is measured of each request; nil discards it.
	Emit metrics.Emitter
}

// Azure provides access to Azure with the service's identities.
type Azure struct {
	cloud     Cloud
	env       *environment.Environment
	transport *http.Client
	service   azcore.TokenCredential
	log       *slog.Logger
	measured  *measured
	// certificates holds the first-party application's certificate.
	certificates *VaultCache

	mu sync.Mutex
	// application is the credential of the first-party application with the
	// certificate of applicationVersion.
	application        *azidentity.ClientCertificateCredential
	applicationVersion string
}

// New returns an Azure. It makes no calls: see Load.
func New(o Options) (*Azure, error) {
	if o.Environment == nil || o.Transport == nil || o.Service == nil || o.Cloud.Services == nil {
		return nil, errors.New("azure: cloud, environment, transport and service identity are needed")
	}
	m, err := newMeasured(o.Metrics, o.Emit)
	if err != nil {
		return nil, fmt.Errorf("azure: metrics: %w", err)
	}
	a := &Azure{cloud: o.Cloud, env: o.Environment, transport: o.Transport, service: o.Service,
		log: cmp.Or(o.Log, slog.Default()), measured: m}
	a.certificates, err = a.Keep(o.Environment.ServiceVault, firstPartyCertificate)
	return a, err
}

// Load reads the secrets that the service needs from its vault, once at start, and
// returns which are missing.
func (a *Azure) Load(ctx context.Context) error { return a.certificates.Load(ctx) }

// Run refreshes what Load read, until ctx ends.
func (a *Azure) Run(ctx context.Context) error { return a.certificates.Run(ctx) }

// Cloud returns the cloud that a connects to.
func (a *Azure) Cloud() Cloud { return a.cloud }

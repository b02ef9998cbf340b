// Package assets generates the first files of a cluster: the ignition of its first
// machines and its keys. It runs the OpenShift installer's assets with a request
// instead of questions, and without access to Azure.
//
// It sets the installer's input. Package custom changes the output.
package assets

import (
	"context"
	"fmt"

	"github.com/openshift/installer/pkg/asset"
	assetcluster "github.com/openshift/installer/pkg/asset/cluster"
	"github.com/openshift/installer/pkg/asset/ignition/bootstrap"
	"github.com/openshift/installer/pkg/asset/ignition/machine"
	"github.com/openshift/installer/pkg/asset/installconfig"
	"github.com/openshift/installer/pkg/asset/kubeconfig"
	"github.com/openshift/installer/pkg/asset/password"
	"github.com/openshift/installer/pkg/asset/releaseimage"
	"github.com/openshift/installer/pkg/asset/tls"

	"github.com/aro-rp/aro/installer/custom"
	"github.com/aro-rp/aro/installer/document"
	"github.com/aro-rp/aro/installer/graph"
)

// Generate generates everything for one cluster. Names are those of the request;
// keys and passwords are new every time.
func Generate(ctx context.Context, req *document.Request) (*document.Result, error) {
	g, err := start(req)
	if err != nil {
		return nil, err
	}
	targets := []asset.Asset{
		&kubeconfig.AdminClient{},
		&password.KubeadminPassword{},
		&machine.Master{},
		&machine.Worker{},
		&bootstrap.Bootstrap{},
		&assetcluster.Metadata{},
	}
	if err := g.Together(ctx, isKey, targets...); err != nil {
		return nil, err
	}
	for _, target := range targets {
		if err := g.Generate(ctx, target); err != nil {
			return nil, err
		}
	}
	return result(g)
}

// isKey accepts what takes most of the time.
func isKey(a asset.Asset) bool {
	switch a.(type) {
	case tls.CertKeyInterface, tls.KeyPairInterface:
		return true
	}
	return false
}

// Check reports whether the installer accepts the request's values. It generates
// nothing.
func Check(req *document.Request) error {
	_, err := start(req)
	return err
}

// start adds the assets to the graph that would otherwise prompt on a terminal.
func start(req *document.Request) (*graph.Graph, error) {
	config, err := installConfig(req)
	if err != nil {
		return nil, &graph.Failure{Asset: fmt.Sprintf("%T", config), Err: err}
	}
	boundKey := &tls.BoundSASigningKey{}
	if wi := req.WorkloadIdentity; wi != nil {
		if boundKey, err = custom.BoundSigningKey(wi.BoundServiceAccountSigningKey); err != nil {
			return nil, &graph.Failure{Asset: fmt.Sprintf("%T", boundKey), Err: err}
		}
	}
	return graph.New(custom.New(req, config).Change,
		config,
		boundKey,
		&installconfig.ClusterID{UUID: req.ClusterID, InfraID: req.InfraID},
		&releaseimage.Image{PullSpec: req.ReleaseImage},
	), nil
}

func result(g *graph.Graph) (*document.Result, error) {
	var failed error
	bootstrap := get[*bootstrap.Bootstrap](g, &failed)
	master := get[*machine.Master](g, &failed)
	worker := get[*machine.Worker](g, &failed)
	admin := get[*kubeconfig.AdminInternalClient](g, &failed)
	kubeadmin := get[*password.KubeadminPassword](g, &failed)
	metadata := get[*assetcluster.Metadata](g, &failed)
	config := get[*installconfig.InstallConfig](g, &failed)
	root := get[*tls.RootCA](g, &failed)
	signer := get[*tls.AdminKubeConfigSignerCertKey](g, &failed)
	if failed != nil {
		return nil, failed
	}
	all, err := g.JSON()
	if err != nil {
		return nil, err
	}
	return &document.Result{
		BootstrapIgnition:     bootstrap.File.Data,
		MasterIgnition:        master.File.Data,
		WorkerIgnition:        worker.File.Data,
		AdminKubeconfig:       string(admin.File.Data),
		KubeadminPassword:     kubeadmin.Password,
		Metadata:              metadata.File.Data,
		NetworkType:           config.Config.NetworkType,
		RootCA:                keyPair(root),
		AdminKubeconfigSigner: keyPair(signer),
		Graph:                 all,
	}, nil
}

// get returns an asset and keeps the first error in failed.
func get[A asset.Asset](g *graph.Graph, failed *error) A {
	a, err := graph.Get[A](g)
	if err != nil && *failed == nil {
		*failed = err
	}
	return a
}

func keyPair(k tls.CertKeyInterface) document.KeyPair {
	return document.KeyPair{Cert: string(k.Cert()), Key: string(k.Key())}
}

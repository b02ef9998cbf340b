// Package assets generates what a cluster starts from: the ignition of its first
// machines and the keys to it. The OpenShift installer's assets do the work, from
// a request instead of questions, and without asking Azure.
//
// It decides what the installer is told; how its output is changed afterwards is
// in package custom.
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

// Generate makes everything for one cluster. Names are those of the request; keys
// and passwords are new every time.
func Generate(ctx context.Context, req *document.Request) (*document.Result, error) {
	g, err := start(req)
	if err != nil {
		return nil, err
	}
	for _, target := range []asset.Asset{
		&kubeconfig.AdminClient{},
		&password.KubeadminPassword{},
		&machine.Master{},
		&machine.Worker{},
		&bootstrap.Bootstrap{},
		&assetcluster.Metadata{},
	} {
		if err := g.Generate(ctx, target); err != nil {
			return nil, err
		}
	}
	return result(g)
}

// Check finds out whether the installer takes the request's values. It makes
// nothing.
func Check(req *document.Request) error {
	_, err := start(req)
	return err
}

// start gives the graph the assets that would otherwise ask a terminal.
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

// get remembers the first failure, so that the reader above stays short.
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

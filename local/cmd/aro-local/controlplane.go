package main

import (
	"context"
	"log/slog"

	"github.com/aro-rp/aro/local/controlplane"
)

type controlPlaneCommand struct {
	Dir     string `env:"ARO_CLUSTER_DIR" required:"" type:"existingdir" help:"The control plane's home, made by the host of machines."`
	Azure   string `env:"ARO_CLUSTER_AZURE" help:"Origin of the cloud in which machines are made."`
	AzureCA string `name:"azure-ca" env:"ARO_CLUSTER_AZURE_CA" type:"path" help:"Authorities of that cloud, PEM."`
	Nodes   string `env:"ARO_CLUSTER_NODES" help:"Where HTTP CONNECT leads to the nodes, HOST:PORT."`
}

// Run runs until the process receives a signal.
func (c controlPlaneCommand) Run(ctx context.Context, log *slog.Logger) error {
	return controlplane.Cluster{Dir: c.Dir, Azure: c.Azure, AzureCAFile: c.AzureCA, Nodes: c.Nodes, Log: log}.Run(ctx)
}

package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/rp"
	"github.com/aro-rp/aro/local/supervisor"
)

const (
	// metricsPrefix is where metrics are shown, in the local Azure's origin.
	metricsPrefix = "/mdm/"
	// metricsPort is next to rangePort, at an address of this aro-local.
	metricsPort = "1026"
	// maxSocketPath is the longest path of a unix socket on Linux.
	maxSocketPath = 107
	// monitorGrace lets the monitor finish the checks that it has begun.
	monitorGrace = 10 * time.Second
)

// watch runs the monitor once there is a database, which the provider makes.
func (c runCommand) watch(ctx context.Context, id identity, log *slog.Logger) error {
	if !rp.At(c.Listen).BecomesReady(ctx) {
		return nil
	}
	return c.monitor(id, log).Run(ctx)
}

// monitor is the child `aro monitor`. It is started again however often it ends:
// everything else works without it.
func (c runCommand) monitor(id identity, log *slog.Logger) *supervisor.Process {
	return &supervisor.Process{
		Name: "aro monitor",
		Path: c.RP,
		Args: []string{
			"monitor", "--listen", "127.0.0.1:0", "--store", "sqlite:" + filepath.Join(c.Data, "aro.db"),
			"--mdm-socket", c.metricsSocket(), "--location", "eastus", "--domain", "eastus.aroapp.test",
			"--cloud", c.origin(), "--ca-file", c.caFile(), "--tenant", id.TenantID, "--client-id", id.ClientID,
			"--first-party-client-id", cloud.FirstPartyApplication, "--service-vault", c.origin() + "/vaults/aro-svc",
		},
		Env:     []string{"ARO_CLIENT_SECRET=" + id.ClientSecret},
		LogFile: filepath.Join(c.Data, "logs", "monitor.log"),
		PIDFile: c.monitorPID(),
		Grace:   monitorGrace,
		Log:     log,
	}
}

func (c runCommand) monitorPID() string { return filepath.Join(c.Data, "monitor.pid") }

// metricsSocket is where the monitor's metrics come in: a socket in the data directory, or, if
// its path is too long for one, a port at an address that this aro-local has reserved.
func (c runCommand) metricsSocket() string {
	if path := filepath.Join(c.Data, "mdm.sock"); len(path) <= maxSocketPath {
		return "unix:" + path
	}
	return "udp:" + net.JoinHostPort(c.reservedAddress(0), metricsPort)
}

// metricsPage is where people look at them; or that there is no monitor.
func (c runCommand) metricsPage() string {
	if !c.Monitor {
		return "not run"
	}
	return c.origin() + metricsPrefix
}

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/proxy"
	"github.com/aro-rp/aro/service"
)

// proxyCommand lets a developer's machine reach private endpoints of clusters.
type proxyCommand struct {
	Listen     string `env:"ARO_PROXY_LISTEN" default:":8443" help:"Address to listen on."`
	Health     string `name:"health-listen" env:"ARO_PROXY_HEALTH_LISTEN" placeholder:"ADDRESS" help:"Address for probes, which get /healthz/ready by HTTP, and for /metrics. Default: none."`
	Cert       string `env:"ARO_PROXY_CERT" type:"path" placeholder:"FILE" help:"Server certificate, PEM."`
	Key        string `env:"ARO_PROXY_KEY" type:"path" placeholder:"FILE" help:"Server key, PEM."`
	ClientCert string `env:"ARO_PROXY_CLIENT_CERT" type:"path" placeholder:"FILE" help:"The one client certificate that may use the proxy, PEM."`
	Subnet     string `env:"ARO_PROXY_SUBNET" default:"10.0.0.0/8" help:"Addresses that may be reached."`
}

// Run opens tunnels until ctx ends.
func (c *proxyCommand) Run(ctx context.Context) error {
	var faults service.Faults
	faults.Listen("--listen", c.Listen)
	if c.Health != "" {
		faults.Listen("--health-listen", c.Health)
	}
	for flag, value := range map[string]string{"--cert": c.Cert, "--key": c.Key, "--client-cert": c.ClientCert} {
		faults.Need(flag, value, "for mutual TLS")
	}
	subnet, err := netip.ParsePrefix(c.Subnet)
	if err != nil {
		faults.Add("--subnet", "must be ADDRESS/BITS, which %q is not", c.Subnet)
	}
	if err := faults.Err(); err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return fmt.Errorf("--cert, --key: %w", err)
	}
	client, err := readCertificate(c.ClientCert)
	if err != nil {
		return fmt.Errorf("--client-cert: %w", err)
	}
	p, err := proxy.New(proxy.Config{Certificate: certificate, Client: client, Subnet: subnet, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	if c.Health != "" {
		health, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Health)
		if err != nil {
			return fmt.Errorf("--health-listen: %w", err)
		}
		group.Go(func() error { return p.ServeHealth(ctx, health) })
	}
	group.Go(func() error { return p.Serve(ctx, listener) })
	return group.Wait()
}

// readCertificate reads the one certificate of a PEM file.
func readCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("the file holds no certificate")
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("the file holds more than one certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

package hypervisor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/coreos/ignition/v2/config/v3_3/types"

	"github.com/aro-rp/aro/local/release"
)

// run is one run of a machine, from power on to power off.
func (h *Host) run(ctx context.Context, m *machine, vm VM) {
	m.log.printf("power on: %s, %s in %s", vm.Name, vm.Size, vm.Location)
	m.log.printf("%s", release.System(kubeletVersion(vm.ImageSKU))+simulated)
	defer func() { m.log.printf("power off") }()
	if err := h.boot(ctx, m, vm); err != nil {
		if ctx.Err() == nil {
			m.log.printf("boot failed: %v", err)
			m.log.printf("the machine stays as it is until it is restarted")
			h.options.Log.WarnContext(ctx, "a machine does not boot", "vm", vm, "error", err)
		}
		<-ctx.Done()
		return
	}
	h.mu.Lock()
	d := m.disk
	h.mu.Unlock()
	defer h.serveSSH(ctx, m, vm, d)()
	if d.Role == roleBootstrap {
		h.greet(ctx, m, vm)
		<-ctx.Done()
		return
	}
	newKubelet(h, m, vm, d).run(ctx)
}

// boot provisions the machine's disk unless an earlier boot did.
func (h *Host) boot(ctx context.Context, m *machine, vm VM) error {
	h.mu.Lock()
	d := m.disk
	lost := d.ControlPlane != "" && h.controlPlanes[d.ControlPlane] == nil
	h.mu.Unlock()
	if lost {
		return errors.New("the control plane that the machine is part of does not exist any more")
	}
	if d.Role != "" {
		m.log.printf("boot: from disk")
		return nil
	}
	m.log.printf("boot: first, Ignition reads the custom data")
	f := &fetcher{
		dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return h.options.Network.Dial(ctx, vm, network, address)
		},
		authorities: h.authorities(),
		log:         m.log,
	}
	cfg, pool, err := f.ignite(ctx, vm.CustomData)
	if err != nil {
		return fmt.Errorf("ignition: %w", err)
	}
	if isBootstrap(cfg) {
		return h.bootstrap(ctx, m, vm, cfg, f)
	}
	return h.node(ctx, m, cfg, pool, f)
}

// node prepares a machine to join a cluster by its configuration.
func (h *Host) node(ctx context.Context, m *machine, cfg types.Config, pool string, f *fetcher) (err error) {
	d := disk{Role: cmp.Or(pool, roleWorker), Keys: keysOf(cfg)}
	if d.Kubeconfig, err = f.file(ctx, cfg, "/etc/kubernetes/kubeconfig"); err != nil {
		return err
	}
	if d.KubeletCA, err = f.file(ctx, cfg, "/etc/kubernetes/kubelet-ca.crt"); err != nil {
		return err
	}
	if len(d.Kubeconfig) == 0 {
		return errors.New("the configuration is neither a bootstrap machine's nor a node's: no bootkube.service, no /etc/kubernetes/kubeconfig")
	}
	for _, source := range []struct {
		path string
		add  func(string)
	}{{"/etc/hosts", d.Hosts.add}, {"/etc/hosts.d/aro.conf", d.Hosts.add}, {"/etc/dnsmasq.conf", d.Hosts.addDomains}} {
		content, err := f.file(ctx, cfg, source.path)
		if err != nil {
			return err
		}
		source.add(string(content))
	}
	var p *controlPlane
	if d.Role == roleMaster {
		if d.ControlPlane, p = h.planeAt(f.server); p == nil {
			return errors.New("no control plane of this host served the configuration, so this master cannot become part of one")
		}
	}
	if err := f.write(ctx, cfg, m.files()); err != nil {
		return err
	}
	m.log.printf("ignition: the machine is a %s", d.Role)
	return h.join(m, d, p)
}

// authorities are a copy of those that every machine trusts.
func (h *Host) authorities() *x509.CertPool {
	if h.options.Authorities != nil {
		return h.options.Authorities.Clone()
	}
	if pool, err := x509.SystemCertPool(); err == nil {
		return pool
	}
	return x509.NewCertPool()
}

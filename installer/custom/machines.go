package custom

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"path"
	"strings"

	igntypes "github.com/coreos/ignition/v2/config/v3_2/types"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	"github.com/openshift/installer/pkg/asset"
	"github.com/openshift/installer/pkg/asset/ignition"
	"github.com/openshift/installer/pkg/asset/machines/machineconfig"
	"github.com/openshift/installer/pkg/asset/tls"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// machineConfigPort is the port of the machine config server on the internal load
// balancer.
const machineConfigPort = "22623"

// pointByAddress makes a machine use the address of the control plane: at its first
// boot nothing resolves the name.
func (c *Custom) pointByAddress(config *igntypes.Config, file *asset.File) error {
	merge := config.Ignition.Config.Merge
	if len(merge) != 1 || merge[0].Source == nil {
		return errors.New("the ignition does not point at one other")
	}
	_, role, found := strings.Cut(*merge[0].Source, "/config/")
	if !found {
		return errors.New("the ignition does not point at a role's")
	}
	source := "https://" + net.JoinHostPort(c.req.APIServerInternalIP, machineConfigPort) + "/config/" + role
	merge[0].Source = &source
	return marshal(config, file)
}

// machineConfigServerCertificate generates the certificate again, with the address.
func (c *Custom) machineConfigServerCertificate(a *tls.MCSCertKey) error {
	key, cert, err := tls.RegenerateMCSCertKey(c.config, c.rootCA, []string{c.req.APIServerInternalIP})
	if err != nil {
		return fmt.Errorf("certificate for the address: %w", err)
	}
	a.KeyRaw, a.CertRaw = key, cert
	for _, f := range a.FileList {
		switch path.Ext(f.Filename) {
		case ".key":
			f.Data = key
		case ".crt":
			f.Data = cert
		}
	}
	return nil
}

// BoundSigningKey returns the asset for a key that the resource provider created.
// It only signs service accounts' tokens.
func BoundSigningKey(keyPEM string) (*tls.BoundSASigningKey, error) {
	key := rsaKey(keyPEM)
	if key == nil {
		return nil, errors.New("boundServiceAccountSigningKey is no RSA key in PEM")
	}
	public, err := tls.PublicKeyToPem(&key.PublicKey)
	if err != nil {
		return nil, errors.New("boundServiceAccountSigningKey has no public part")
	}
	return &tls.BoundSASigningKey{FileList: []*asset.File{
		{Filename: "tls/bound-service-account-signing-key.key", Data: []byte(keyPEM)},
		{Filename: "tls/bound-service-account-signing-key.pub", Data: public},
	}}, nil
}

// rsaKey parses both forms of a private key; nil if the text is none.
func rsaKey(keyPEM string) *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(keyPEM))
	if block == nil {
		return nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil
	}
	key, _ := parsed.(*rsa.PrivateKey)
	return key
}

// machineConfigs add to the machines of a role what the bootstrap machine has.
func (c *Custom) machineConfigs(role string, to *[]*asset.File) error {
	type maker struct {
		name   string
		partOf func() (part, error)
	}
	makers := []maker{
		{"99-" + role + "-aro-dns", c.nameServer},
		{"99-" + role + "-aro-etc-hosts-gateway-domains", c.hosts},
	}
	if c.req.MTU == largeMTU {
		makers = append(makers, maker{"99-" + role + "-mtu", c.mtu})
	}
	var configs []*mcfgv1.MachineConfig
	for _, m := range makers {
		p, err := m.partOf()
		if err != nil {
			return err
		}
		config, err := machineConfig(m.name, role, p)
		if err != nil {
			return err
		}
		configs = append(configs, config)
	}
	files, err := machineconfig.Manifests(configs, role, "openshift")
	if err != nil {
		return fmt.Errorf("machine configs: %w", err)
	}
	*to = append(*to, files...)
	return nil
}

func machineConfig(name, role string, p part) (*mcfgv1.MachineConfig, error) {
	raw, err := ignition.ConvertToRawExtension(igntypes.Config{
		Ignition: igntypes.Ignition{Version: igntypes.MaxVersion.String()},
		Storage:  igntypes.Storage{Files: p.files},
		Systemd:  igntypes.Systemd{Units: p.units},
	})
	if err != nil {
		return nil, fmt.Errorf("machine config %s: %w", name, err)
	}
	return &mcfgv1.MachineConfig{
		TypeMeta: metav1.TypeMeta{APIVersion: mcfgv1.SchemeGroupVersion.String(), Kind: "MachineConfig"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"machineconfiguration.openshift.io/role": role},
		},
		Spec: mcfgv1.MachineConfigSpec{Config: raw},
	}, nil
}

// nameServer resolves the cluster's own names on the machine, and forwards other
// queries to the network's servers.
func (c *Custom) nameServer() (part, error) {
	return c.part([]source{
		{"dnsmasq.conf", "/etc/dnsmasq.conf", 0o644},
		{"aro-dnsmasq-pre.sh", "/usr/local/bin/aro-dnsmasq-pre.sh", 0o744},
	}, "dnsmasq.service")
}

// hosts resolve the API server's names even if the name server is down.
func (c *Custom) hosts() (part, error) {
	return c.part([]source{
		{"aro.conf", "/etc/hosts.d/aro.conf", 0o644},
		{"aro-etchosts-resolver.sh", "/usr/local/bin/aro-etchosts-resolver.sh", 0o744},
	}, "aro-etchosts-resolver.service")
}

// mtu configures the larger MTU of the network.
func (c *Custom) mtu() (part, error) {
	return c.part([]source{{"30-eth0-mtu-3900", "/etc/NetworkManager/dispatcher.d/30-eth0-mtu-3900", 0o555}}, "")
}

// journal writes the log of the bootstrap machine to the serial console, which
// Azure keeps. There is no other source for the cause of a failed bootstrap.
func (c *Custom) journal() (part, error) {
	return c.part(nil, "aro-bootstrap-journal.service")
}

type source struct {
	template string
	path     string
	mode     int
}

func (c *Custom) part(sources []source, service string) (part, error) {
	var p part
	for _, s := range sources {
		content, err := c.render(s.template)
		if err != nil {
			return part{}, err
		}
		p.files = append(p.files, file(s.path, s.mode, content))
	}
	if service != "" {
		content, err := c.render(service)
		if err != nil {
			return part{}, err
		}
		p.units = append(p.units, unit(service, content))
	}
	return p, nil
}

package openshift

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	imageregistryv1 "github.com/openshift/api/imageregistry/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// RegistryAccount returns the storage account of the image registry; empty if it has
// none.
func (c *Cluster) RegistryAccount(ctx context.Context) (string, error) {
	var config imageregistryv1.Config
	if err := c.Get(ctx, types.NamespacedName{Name: singleton}, &config); err != nil {
		return "", fmt.Errorf("read the image registry's configuration: %w", err)
	}
	if config.Spec.Storage.Azure == nil {
		return "", nil
	}
	return config.Spec.Storage.Azure.AccountName, nil
}

// LargePackets reports whether the masters were created for the larger MTU.
func (c *Cluster) LargePackets(ctx context.Context) (bool, error) {
	err := c.Get(ctx, types.NamespacedName{Name: "99-master-mtu"}, &machineconfigurationv1.MachineConfig{})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the machine configuration of packets: %w", err)
	}
	return true, nil
}

// PointUserData makes new machines read their configuration from address instead of
// host, which they cannot resolve.
func (c *Cluster) PointUserData(ctx context.Context, host, address string) error {
	for _, role := range []string{"master", workerRole} {
		secret := &corev1.Secret{ObjectMeta: within(machineNamespace, role+"-user-data")}
		var unreadable error
		err := c.change(ctx, secret, func() {
			var data []byte
			if data, unreadable = pointed(secret.Data["userData"], host, address); unreadable == nil && data != nil {
				secret.Data["userData"] = data
			}
		})
		if err := errors.Join(unreadable, err); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// pointed returns ignition whose sources are at address instead of host; nil if
// none is at host. Version 2 appends configurations, version 3 merges them.
func pointed(ignition []byte, host, address string) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(ignition, &document); err != nil {
		return nil, errors.New("the user data of machines is not ignition")
	}
	inner, _ := document["ignition"].(map[string]any)
	config, _ := inner["config"].(map[string]any)
	changed := false
	for _, kind := range []string{"append", "merge"} {
		list, _ := config[kind].([]any)
		for _, one := range list {
			one, _ := one.(map[string]any)
			source, _ := one["source"].(string)
			if at, err := url.Parse(source); err == nil && at.Hostname() == host {
				at.Host = net.JoinHostPort(address, at.Port())
				one["source"], changed = at.String(), true
			}
		}
	}
	if !changed {
		return nil, nil
	}
	return json.Marshal(document)
}

// The namespace of the machine config server, and its certificate.
const (
	configServerNamespace = "openshift-machine-config-operator"
	configServerSecret    = "machine-config-server-tls" //nolint:gosec // a name
)

// ServeMachineConfig makes the machine config server use a certificate for address,
// signed by the cluster's own authority.
func (c *Cluster) ServeMachineConfig(ctx context.Context, authority KeyPair, host, address string, now time.Time) error {
	secret := &corev1.Secret{ObjectMeta: within(configServerNamespace, configServerSecret)}
	var failed error
	err := c.change(ctx, secret, func() {
		if isFor(secret.Data[corev1.TLSCertKey], address) {
			return
		}
		var pair KeyPair
		if pair, failed = signServer(authority, host, address, now); failed == nil {
			secret.Data = map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key}
			metav1.SetMetaDataAnnotation(&secret.ObjectMeta, redeployPending, "certificate changed at "+now.UTC().Format(time.RFC3339))
		}
	})
	if err := errors.Join(failed, err); err != nil || secret.Annotations[redeployPending] == "" {
		return err
	}
	err = c.DeleteAll(ctx, &corev1.Pod{}, Where{configServerNamespace, "k8s-app=machine-config-server"})
	if err != nil {
		return fmt.Errorf("restart the machine config server: %w", err)
	}
	return c.change(ctx, secret, func() { delete(secret.Annotations, redeployPending) })
}

// isFor reports whether the first certificate is for exactly that address.
func isFor(certificates []byte, address string) bool {
	block, _ := pem.Decode(certificates)
	if block == nil {
		return false
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	return err == nil && len(certificate.IPAddresses) == 1 && certificate.IPAddresses[0].String() == address
}

// signServer creates a certificate as the installer does.
func signServer(authority KeyPair, host, address string, now time.Time) (KeyPair, error) {
	ca, err := tls.X509KeyPair(authority.Certificate, authority.Key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("the cluster's authority: %w", err)
	}
	template := &x509.Certificate{DNSNames: []string{host}, IPAddresses: []net.IP{net.ParseIP(address)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	template.Subject.CommonName = "system:machine-config-server"
	key, err := newKey()
	if err != nil {
		return KeyPair{}, fmt.Errorf("create a key: %w", err)
	}
	return sign(ca, template, key, now.Add(serviceValidity))
}

// Package bootstrap reads what the Ignition of a bootstrap machine wrote to its
// disk: the certificates, the manifests and the facts within them that decide
// how the control plane runs. It keeps the certificates valid.
//
// It talks to no API server; what it cannot read it names, and guesses nothing.
package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Dir is the directory of a control plane. The machine's disk is below root/.
type Dir string

// assets is where the installer puts everything of the control plane.
const assets = "root/opt/openshift"

func (d Dir) asset(path ...string) string {
	return filepath.Join(append([]string{string(d), assets}, path...)...)
}

// Config is what the installer passes to the control plane.
type Config struct {
	Domain      string // api.Domain is the API server
	InfraID     string
	Version     string // of the release
	Image       string // of the release
	PodCIDR     string
	HostPrefix  int // bits of the part of PodCIDR that a node gets
	ServiceCIDR string
	Issuer      string // of service accounts' tokens
	Manifests   []*unstructured.Unstructured
}

// manifestDirs are applied in this order.
var manifestDirs = []string{"manifests", "openshift"}

// Read reads all manifests and takes the Config from them.
func (d Dir) Read() (*Config, error) {
	c := &Config{}
	for _, dir := range manifestDirs {
		if err := c.readManifests(d.asset(dir)); err != nil {
			return nil, fmt.Errorf("bootstrap: %w", err)
		}
	}
	if err := c.derive(); err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	if err := c.readRelease(filepath.Join(string(d), releaseScript)); err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	return c, nil
}

func (c *Config) readManifests(dir string) error {
	entries, err := os.ReadDir(dir) // by name
	if err != nil {
		return err
	}
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".yaml", ".yml", ".json":
		default:
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		objects, err := decode(content)
		if err != nil {
			// The decoder may quote what it read, and that may be a secret.
			return fmt.Errorf("manifest %s is no Kubernetes object", entry.Name())
		}
		c.Manifests = append(c.Manifests, objects...)
	}
	return nil
}

func decode(content []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	documents := bytes.Split(append([]byte("\n"), content...), []byte("\n---"))
	for _, document := range documents {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return nil, err
		}
		if len(object.Object) == 0 { // only comments
			continue
		}
		if object.GetKind() == "" || object.GetAPIVersion() == "" || object.GetName() == "" {
			return nil, errors.New("no kind, version or name")
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// derive finds the facts in the objects that hold them.
func (c *Config) derive() error {
	infrastructure := c.find("Infrastructure", "cluster")
	dns := c.find("DNS", "cluster")
	network := c.find("Network", "cluster")
	for kind, object := range map[string]*unstructured.Unstructured{"Infrastructure": infrastructure, "DNS": dns, "Network": network} {
		if object == nil {
			return fmt.Errorf("no manifest of the %s of config.openshift.io", kind)
		}
	}
	c.InfraID, _, _ = unstructured.NestedString(infrastructure.Object, "status", "infrastructureName")
	c.Domain, _, _ = unstructured.NestedString(dns.Object, "spec", "baseDomain")
	services, _, _ := unstructured.NestedStringSlice(network.Object, "spec", "serviceNetwork")
	pods, _, _ := unstructured.NestedSlice(network.Object, "spec", "clusterNetwork")
	if c.InfraID == "" || c.Domain == "" || len(services) == 0 || len(pods) == 0 {
		return errors.New("the manifests lack the infrastructure's name, the domain, or the networks of pods and services")
	}
	c.ServiceCIDR = services[0]
	if err := c.podNetwork(pods[0]); err != nil {
		return err
	}
	c.Issuer = "https://kubernetes.default.svc"
	if authentication := c.find("Authentication", "cluster"); authentication != nil {
		if issuer, _, _ := unstructured.NestedString(authentication.Object, "spec", "serviceAccountIssuer"); issuer != "" {
			c.Issuer = issuer
		}
	}
	return nil
}

func (c *Config) podNetwork(value any) error {
	network, _ := value.(map[string]any)
	c.PodCIDR, _, _ = unstructured.NestedString(network, "cidr")
	switch prefix := network["hostPrefix"].(type) {
	case int64:
		c.HostPrefix = int(prefix)
	case float64:
		c.HostPrefix = int(prefix)
	}
	if c.PodCIDR == "" || c.HostPrefix == 0 {
		return errors.New("the network of pods has no CIDR or no host prefix")
	}
	return nil
}

// find returns an object of config.openshift.io.
func (c *Config) find(kind, name string) *unstructured.Unstructured {
	for _, object := range c.Manifests {
		if object.GetKind() == kind && object.GetName() == name && strings.HasPrefix(object.GetAPIVersion(), "config.openshift.io/") {
			return object
		}
	}
	return nil
}

// releaseScript pulls the release image.
const releaseScript = "root/usr/local/bin/release-image-download.sh"

// channel names the minor version that the installer belongs to.
var channel = regexp.MustCompile(`^stable-(4\.\d+)$`)

var (
	releaseImage   = regexp.MustCompile(`(?m)^RELEASE_IMAGE=["']?([^\s"']+)`)
	releaseVersion = regexp.MustCompile(`:(4\.\d+\.\d+(?:-(?:rc|ec)\.\d+)?)(?:-[a-z0-9_]+)?(?:@|$)`)
)

// readRelease takes the version from the image's tag, because the image is never pulled. An image
// that is named by its digest alone is taken for the first of the installer's minor version.
func (c *Config) readRelease(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	image := releaseImage.FindSubmatch(content)
	if image == nil {
		return fmt.Errorf("%s names no release image", filepath.Base(file))
	}
	c.Image = string(image[1])
	if c.Version = VersionOf(c.Image); c.Version != "" {
		return nil
	}
	if version := c.find("ClusterVersion", "version"); version != nil {
		name, _, _ := unstructured.NestedString(version.Object, "spec", "channel")
		if minor := channel.FindStringSubmatch(name); minor != nil {
			c.Version = minor[1] + ".0"
			return nil
		}
	}
	return fmt.Errorf("neither the tag of release image %s nor the ClusterVersion's channel contains the version", c.Image)
}

// VersionOf is the version in the tag of a release image, or empty.
func VersionOf(image string) string {
	version := releaseVersion.FindStringSubmatch(image)
	if version == nil {
		return ""
	}
	return version[1]
}

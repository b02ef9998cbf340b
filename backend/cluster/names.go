package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// chooseNames makes everything that is random once, and stores it before
// anything carries it: a repetition finds what was made before.
func (s *steps) chooseNames(ctx context.Context, w *Work) error {
	key, err := newSSHKey()
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		i := &c.Internal
		if i.InfraID != "" && i.SSHKey != "" && i.StorageSuffix != "" && i.ImageRegistryStorageAccount != "" {
			return store.ErrUnchanged
		}
		fill(&i.InfraID, NewInfraID(c.Name))
		fill(&i.SSHKey, key)
		fill(&i.StorageSuffix, newStorageSuffix())
		fill(&i.ImageRegistryStorageAccount, "imageregistry"+i.StorageSuffix)
		return nil
	})
}

// fill sets what at points to, unless there is something already.
func fill[T comparable](at *T, value T) {
	var absent T
	if *at == absent {
		*at = value
	}
}

func newSSHKey() (model.Secret, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	return model.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), nil
}

// newStorageSuffix makes 10 characters that are unique in all of Azure and never
// make a word.
func newStorageSuffix() string {
	const letters = "0123456789bcdfghjklmnpqrstvwxyz"
	b := make([]byte, 10)
	for i := range b {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(letters)))) // never fails (crypto/rand)
		b[i] = letters[n.Int64()]
	}
	return string(b)
}

// chooseOutboundIPs names the public IPs for outbound traffic before they are
// made, so that none is ever lost. The API server's IP serves as the first.
func (s *steps) chooseOutboundIPs(ctx context.Context, w *Work) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		lb := c.Properties.NetworkProfile.LoadBalancerProfile
		if lb == nil {
			lb = &model.LoadBalancerProfile{}
			c.Properties.NetworkProfile.LoadBalancerProfile = lb
		}
		c.Internal.OutboundIPs = resized(c.Internal.OutboundIPs, ownOutboundIPs(c))
		lb.EffectiveOutboundIPs = outboundIPs(c)
		return nil
	})
}

// ownOutboundIPs is how many public IPs serve outbound traffic alone.
func ownOutboundIPs(c *model.Cluster) int {
	n := 1
	if lb := c.Properties.NetworkProfile.LoadBalancerProfile; lb != nil && lb.ManagedOutboundIPs != nil {
		n = max(lb.ManagedOutboundIPs.Count, 1)
	}
	if publicAPI(c) {
		n--
	}
	return n
}

const outboundIPSuffix = "-outbound-pip-v4"

// resized keeps as many names as there shall be, and makes those that lack.
func resized(names []string, n int) []string {
	names = names[:min(len(names), n):min(len(names), n)]
	for len(names) < n {
		names = append(names, uuid.NewString()+outboundIPSuffix)
	}
	return names
}

// outboundIPs are the ids of the addresses that outbound traffic comes from.
func outboundIPs(c *model.Cluster) []model.ResourceReference {
	var names []string
	if publicAPI(c) {
		names = append(names, c.Internal.InfraID+"-pip-v4")
	}
	var ips []model.ResourceReference
	for _, name := range append(names, c.Internal.OutboundIPs...) {
		ips = append(ips, model.ResourceReference{ID: c.Properties.ClusterProfile.ResourceGroupID + "/providers/Microsoft.Network/publicIPAddresses/" + name})
	}
	return ips
}

const largeMTU, usualMTU = 3900, 1500

// chooseMTU asks for the preview feature of large packets.
func (s *steps) chooseMTU(ctx context.Context, w *Work) error {
	if w.Resource().Internal.MTU != 0 {
		return nil // machines carry it by now
	}
	clients, err := s.customer(w.Resource())
	if err != nil {
		return err
	}
	mtu := usualMTU
	feature, err := clients.Features.Get(ctx, "Microsoft.RedHatOpenShift", "MTU3900", nil)
	switch {
	case err == nil:
		if p := feature.Properties; p != nil && arm.EqualFold(deref(p.State), "Registered") {
			mtu = largeMTU
		}
	case !azure.NotFound(err):
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		fill(&c.Internal.MTU, mtu)
		return nil
	})
}

// The installer's rules for infra ids: a label of at most 21 characters made of
// the cluster's name, a dash, and 5 random characters.
const (
	infraLabel  = 21
	infraRandom = 5
)

// NewInfraID makes the prefix of a cluster's machine names. Names of machines are
// DNS labels, so whatever is no letter or digit becomes a dash, several become one.
func NewInfraID(clusterName string) string {
	words := strings.FieldsFunc(strings.ToLower(clusterName), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9')
	})
	label := strings.Join(words, "-")
	label = strings.TrimRight(label[:min(len(label), infraLabel)], "-")
	return cmp.Or(label, "aro") + "-" + strings.ToLower(rand.Text()[:infraRandom])
}

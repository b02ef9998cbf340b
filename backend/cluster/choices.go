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

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// choices decide, before anything is made, whether a cluster can be created, and what stays the
// same for its whole life.
type choices struct {
	azure     *azureAccess
	validator Validator
}

func (s *choices) validateCreate(ctx context.Context, w *Work) error {
	return s.validator.Validate(ctx, w.Resource(), model.Create)
}

// chooseZones chooses the cluster's zones once.
func (s *choices) chooseZones(ctx context.Context, w *Work) error {
	clients, err := s.azure.customer(w.Resource())
	if err != nil {
		return err
	}
	zones, err := s.validator.Zones(ctx, clients, w.Resource())
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if len(c.Internal.Zones) > 0 {
			return store.ErrUnchanged
		}
		c.Internal.Zones = zones
		return nil
	})
}

// chooseNames makes all random values once, and stores them before any resource has them: a
// repetition finds the stored values.
func (s *choices) chooseNames(ctx context.Context, w *Work) error {
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

const largeMTU, usualMTU = 3900, 1500

// chooseMTU reads the preview feature of large packets.
func (s *choices) chooseMTU(ctx context.Context, w *Work) error {
	if w.Resource().Internal.MTU != 0 {
		return nil // machines carry it by now
	}
	clients, err := s.azure.customer(w.Resource())
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

// oldInfraID is the infra id of clusters that were created before they had one of their own.
const oldInfraID = "aro"

func (s *choices) recordInfraID(ctx context.Context, w *Work) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Internal.InfraID != "" {
			return store.ErrUnchanged
		}
		c.Internal.InfraID = oldInfraID
		return nil
	})
}

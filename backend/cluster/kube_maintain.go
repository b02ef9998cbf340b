package cluster

import (
	"context"

	"golang.org/x/mod/semver"

	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
)

// oldInfraID is that of clusters from before they had one of their own.
const oldInfraID = "aro"

func (s *steps) recordInfraID(ctx context.Context, w *pipeline.Work) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Internal.InfraID != "" {
			return store.ErrUnchanged
		}
		c.Internal.InfraID = oldInfraID
		return nil
	})
}

// withoutRegistryAccount selects clusters from before its name was kept.
func withoutRegistryAccount(c *model.Cluster) bool {
	return c.Internal.ImageRegistryStorageAccount == ""
}

func (s *steps) recordRegistryAccount(ctx context.Context, w *pipeline.Work) error {
	return s.follow(ctx, w, (*openshift.Cluster).RegistryAccount, func(c *model.Cluster) *string {
		return &c.Internal.ImageRegistryStorageAccount
	})
}

// withoutMTU selects clusters from before the size of packets was kept.
func withoutMTU(c *model.Cluster) bool { return c.Internal.MTU == 0 }

func (s *steps) recordMTU(ctx context.Context, w *pipeline.Work) error {
	mtu := usualMTU
	err := s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		large, err := kube.LargePackets(ctx)
		if large {
			mtu = largeMTU
		}
		return err
	})
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		fill(&c.Internal.MTU, mtu)
		return nil
	})
}

// followRouter stores where the cluster serves routes, and points their names there.
func (s *steps) followRouter(ctx context.Context, w *pipeline.Work) error {
	if len(w.Cluster().Properties.IngressProfiles) == 0 {
		return nil
	}
	err := s.follow(ctx, w, (*openshift.Cluster).RouterIP, func(c *model.Cluster) *string {
		return &c.Properties.IngressProfiles[0].IP
	})
	if err != nil {
		return err
	}
	c := w.Cluster()
	return s.point(c, func(z *zone) error { return z.pointApps(ctx, c.Properties.IngressProfiles[0].IP) })
}

// selfServing is the version from which the cluster renews the machine config
// server's certificate itself.
const selfServing = "v4.19"

// renewMachineConfigCertificate gives the machine config server a certificate
// for the address where new machines ask it.
func (s *steps) renewMachineConfigCertificate(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		version, err := kube.Version(ctx)
		if err != nil || semver.Compare(semver.MajorMinor("v"+version), selfServing) >= 0 {
			return err
		}
		result, err := s.readGraph(ctx, c)
		if err != nil {
			return err
		}
		authority := openshift.KeyPair{Certificate: []byte(result.RootCA.Cert), Key: []byte(result.RootCA.Key)}
		return kube.ServeMachineConfig(ctx, authority, s.internalName(c), c.Properties.APIServerProfile.InternalIP, s.Now())
	})
}

// pointUserData makes new machines ask the internal balancer by its address.
func (s *steps) pointUserData(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		return kube.PointUserData(ctx, s.internalName(c), c.Properties.APIServerProfile.InternalIP)
	})
}

// internalName is the API server's name within the cluster.
func (s *steps) internalName(c *model.Cluster) string {
	return "api-int." + s.Env.FullDomain(c.Properties.ClusterProfile.Domain)
}

package cluster

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/mod/semver"

	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
)

// maintenance records what changed in a cluster, and renews what is out of date.
type maintenance struct {
	api   *clusterAPI
	env   *environment.Environment
	graph *graphStore
	dns   *dns
	build string
	now   func() time.Time
}

// withoutRegistryAccount selects clusters created before the account's name was stored.
func withoutRegistryAccount(c *model.Cluster) bool {
	return c.Internal.ImageRegistryStorageAccount == ""
}

func (s *maintenance) recordRegistryAccount(ctx context.Context, w *Work) error {
	return s.api.follow(ctx, w, (*openshift.Cluster).RegistryAccount, func(c *model.Cluster) *string {
		return &c.Internal.ImageRegistryStorageAccount
	})
}

// withoutMTU selects clusters created before the MTU was stored.
func withoutMTU(c *model.Cluster) bool { return c.Internal.MTU == 0 }

func (s *maintenance) recordMTU(ctx context.Context, w *Work) error {
	mtu := usualMTU
	err := s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
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

// followRouter stores the address of the default router, and updates the DNS records.
func (s *maintenance) followRouter(ctx context.Context, w *Work) error {
	if len(w.Resource().Properties.IngressProfiles) == 0 {
		return nil
	}
	err := s.api.follow(ctx, w, (*openshift.Cluster).RouterIP, func(c *model.Cluster) *string {
		return &c.Properties.IngressProfiles[0].IP
	})
	if err != nil {
		return err
	}
	c := w.Resource()
	return s.dns.point(c, func(z *zone) error { return z.pointApps(ctx, c.Properties.IngressProfiles[0].IP) })
}

// observation is what a running cluster reports about itself.
type observation struct {
	validator Validator
	now       func() time.Time
	log       *slog.Logger
}

// lookTimeout bounds the queries of one cluster, which may be unreachable.
const lookTimeout = 15 * time.Second

// Look returns a function that queries a cluster's state once and renews its customers' kubeconfig
// when that is due, whether the cluster answers or not. The function that it returns records the
// result in a document and reports whether the customer sees a change.
func Look(d Dependencies) func(ctx context.Context, c *model.Cluster) (record func(*model.Cluster) bool, err error) {
	s := newSteps(d)
	return func(ctx context.Context, c *model.Cluster) (func(*model.Cluster) bool, error) {
		user, err := s.credentials.freshUserKubeconfig(ctx, c)
		if err != nil {
			s.observation.log.WarnContext(ctx, "customers' kubeconfig not renewed", "resource_id", c.ID, "error", err)
		}
		record, silent := s.observation.look(ctx, c)
		return func(c *model.Cluster) bool {
			if user != "" {
				c.Internal.UserAdminKubeconfig = user
			}
			return silent == nil && record(c)
		}, silent
	}
}

// look makes all observations at once.
func (s *observation) look(ctx context.Context, c *model.Cluster) (record func(*model.Cluster) bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	kube, err := reach(c)
	if err != nil {
		return nil, err
	}
	defer kube.Close()
	version, err := kube.Version(ctx)
	if err != nil {
		return nil, err
	}
	network, err := kube.NetworkType(ctx)
	if err != nil && !openshift.Absent(err) {
		return nil, err
	}
	workers, err := foundWorkers(ctx, c, kube)
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	return func(c *model.Cluster) bool {
		p, changed := &c.Properties, false
		for place, reported := range map[*string]string{&p.ClusterProfile.Version: version, &p.NetworkProfile.SoftwareDefinedNetwork: network} {
			if reported != "" && reported != *place {
				*place, changed = reported, true
			}
		}
		if !slices.EqualFunc(workers, p.WorkerProfilesStatus, sameWorkers) {
			p.WorkerProfilesStatus, changed = workers, true
		}
		c.Internal.Observation = &model.Observation{At: now, TriedAt: now}
		return changed
	}, nil
}

// validateUpdate validates an update against the cluster's current state. If the cluster cannot be
// reached, its worker pools are not validated: what was recorded before may be out of date, and the
// update may be what makes the cluster reachable again.
func (s *observation) validateUpdate(ctx context.Context, w *Work) error {
	record, err := s.look(ctx, w.Resource())
	if err == nil {
		err = w.Save(ctx, func(c *model.Cluster) error { record(c); return nil })
		if err != nil {
			return err
		}
		found := *w.Resource()
		found.Properties.WorkerProfiles = nil // of the create; the others are those that there are
		return s.validator.Validate(ctx, &found, model.Update)
	}
	s.log.InfoContext(ctx, "the cluster cannot be asked before its update", "resource_id", w.Resource().ID, "error", err)
	unknown := *w.Resource()
	unknown.Properties.WorkerProfiles, unknown.Properties.WorkerProfilesStatus = nil, nil
	return s.validator.Validate(ctx, &unknown, model.Update)
}

// selfServing is the version from which the cluster renews the machine config
// server's certificate itself.
const selfServing = "v4.19"

// renewMachineConfigCertificate issues the machine config server's certificate for the address that
// new machines use.
func (s *maintenance) renewMachineConfigCertificate(ctx context.Context, w *Work) error {
	c := w.Resource()
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		version, err := kube.Version(ctx)
		if err != nil || semver.Compare(semver.MajorMinor("v"+version), selfServing) >= 0 {
			return err
		}
		result, err := s.graph.readGraph(ctx, c)
		if err != nil {
			return err
		}
		authority := openshift.KeyPair{Certificate: []byte(result.RootCA.Cert), Key: []byte(result.RootCA.Key)}
		return kube.ServeMachineConfig(ctx, authority, s.internalName(c), c.Properties.APIServerProfile.InternalIP, s.now())
	})
}

// pointUserData makes new machines use the internal balancer's address.
func (s *maintenance) pointUserData(ctx context.Context, w *Work) error {
	c := w.Resource()
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		return kube.PointUserData(ctx, s.internalName(c), c.Properties.APIServerProfile.InternalIP)
	})
}

// internalName is the API server's name within the cluster.
func (s *maintenance) internalName(c *model.Cluster) string {
	return "api-int." + s.env.FullDomain(c.Properties.ClusterProfile.Domain)
}

func (s *maintenance) recordBuild(ctx context.Context, w *Work) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Internal.ProvisionedBy = s.build
		return nil
	})
}

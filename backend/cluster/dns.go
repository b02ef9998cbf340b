package cluster

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dns/armdns"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
)

// ttl of the records, in seconds.
const ttl = 300

// ownerKey is the metadata in which a cluster's api record names the cluster.
const ownerKey = "resourceId"

// dns are the names of clusters in the service's own zone.
type dns struct {
	azure *azureAccess
	env   *environment.Environment
}

// zone is the service's own DNS zone. No step changes DNS records of customers' own domains.
type zone struct {
	records *armdns.RecordSetsClient
	group   string
	name    string
	label   string // of the cluster
	owner   string // the cluster's id
}

// managed selects clusters whose domain is in the service's own zone.
func (s *dns) managed(c *model.Cluster) bool { return managed(s.env, c) }

func (s *dns) zoneOf(c *model.Cluster) (*zone, error) {
	own, err := s.azure.own()
	if err != nil {
		return nil, err
	}
	label, _ := s.env.ManagedName(c.Properties.ClusterProfile.Domain)
	return &zone{own.RecordSets, s.env.ResourceGroup, s.env.Domain, label, c.ID}, nil
}

// api reads the cluster's api record; nil if there is none.
func (z *zone) api(ctx context.Context) (*armdns.RecordSet, error) {
	r, err := z.records.Get(ctx, z.group, z.name, "api."+z.label, armdns.RecordTypeA, nil)
	if azure.NotFound(err) {
		return nil, nil
	}
	return &r.RecordSet, err
}

func (z *zone) owns(r *armdns.RecordSet) bool {
	return r != nil && r.Properties != nil && arm.EqualFold(deref(r.Properties.Metadata[ownerKey]), z.owner)
}

// reserve creates the api record without an address: the first cluster to create it owns the
// domain.
func (z *zone) reserve(ctx context.Context) error {
	existing, err := z.api(ctx)
	if err != nil || z.owns(existing) {
		return err
	}
	if existing == nil {
		_, err = z.records.CreateOrUpdate(ctx, z.group, z.name, "api."+z.label, armdns.RecordTypeA, z.record(""),
			&armdns.RecordSetsClientCreateOrUpdateOptions{IfNoneMatch: new("*")})
	}
	if existing != nil || azure.Changed(err) {
		return arm.DuplicateDomain.At("properties.clusterProfile.domain",
			"The domain %q is taken by another cluster. Choose another one.", z.label+"."+z.name).Because(err)
	}
	return err
}

// pointAPI sets the address of the api record, if this cluster owns the record.
func (z *zone) pointAPI(ctx context.Context, ip string) error {
	if err := z.reserve(ctx); err != nil {
		return err
	}
	r, err := z.api(ctx)
	if err != nil || r == nil || pointsTo(r, ip) {
		return err
	}
	_, err = z.records.CreateOrUpdate(ctx, z.group, z.name, "api."+z.label, armdns.RecordTypeA, z.record(ip),
		&armdns.RecordSetsClientCreateOrUpdateOptions{IfMatch: r.Etag})
	return err
}

// pointApps sets the address of all names below apps to the routes' address, if this cluster owns
// the api record.
func (z *zone) pointApps(ctx context.Context, ip string) error {
	name := "*.apps." + z.label
	r, err := z.records.Get(ctx, z.group, z.name, name, armdns.RecordTypeA, nil)
	if err != nil && !azure.NotFound(err) {
		return err
	}
	if err == nil && pointsTo(&r.RecordSet, ip) {
		return nil
	}
	_, err = z.records.CreateOrUpdate(ctx, z.group, z.name, name, armdns.RecordTypeA, z.record(ip), nil)
	return err
}

// remove deletes both records, apps first: the api record names their owner.
func (z *zone) remove(ctx context.Context) error {
	existing, err := z.api(ctx)
	if err != nil || !z.owns(existing) {
		return err
	}
	if _, err := z.records.Delete(ctx, z.group, z.name, "*.apps."+z.label, armdns.RecordTypeA, nil); err != nil && !azure.NotFound(err) {
		return err
	}
	_, err = z.records.Delete(ctx, z.group, z.name, "api."+z.label, armdns.RecordTypeA, &armdns.RecordSetsClientDeleteOptions{IfMatch: existing.Etag})
	if azure.NotFound(err) {
		return nil
	}
	return err
}

func (z *zone) record(ip string) armdns.RecordSet {
	p := &armdns.RecordSetProperties{TTL: new(int64(ttl)), Metadata: map[string]*string{ownerKey: &z.owner}, ARecords: []*armdns.ARecord{}}
	if ip != "" {
		p.ARecords = append(p.ARecords, &armdns.ARecord{IPv4Address: &ip})
	}
	return armdns.RecordSet{Properties: p}
}

func pointsTo(r *armdns.RecordSet, ip string) bool {
	p := r.Properties
	return p != nil && len(p.ARecords) == 1 && p.ARecords[0] != nil && deref(p.ARecords[0].IPv4Address) == ip
}

// point changes the service's zone, if the cluster's domain is in it.
func (s *dns) point(c *model.Cluster, change func(*zone) error) error {
	if !s.managed(c) {
		return nil
	}
	z, err := s.zoneOf(c)
	if err != nil {
		return err
	}
	return change(z)
}

func (s *dns) reserveDomain(ctx context.Context, w *Work) error {
	z, err := s.zoneOf(w.Resource())
	if err != nil {
		return err
	}
	return z.reserve(ctx)
}

func (s *dns) removeDomain(ctx context.Context, w *Work) error {
	z, err := s.zoneOf(w.Resource())
	if err != nil {
		return err
	}
	return z.remove(ctx)
}

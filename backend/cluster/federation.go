package cluster

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"strings"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/aro-rp/aro/backend/azure"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const federationAudience = "openshift"

// federateIdentities lets the operators' service accounts act as their identities,
// and as no former ones. Who trusts the cluster is recorded before it does.
func (s *steps) federateIdentities(ctx context.Context, w *pipeline.Work) error {
	if err := s.recordTrust(ctx, w, trusting(w.Cluster())); err != nil {
		return err
	}
	if err := s.federateOperators(ctx, w.Cluster()); err != nil {
		return err
	}
	c := w.Cluster()
	var present, former []string
	for _, id := range c.Internal.TrustingIdentities {
		if isOperators(c, id) {
			present = append(present, id)
		} else {
			former = append(former, id)
		}
	}
	return s.recordTrust(ctx, w, append(present, s.endTrust(ctx, c, former)...))
}

func isOperators(c *model.Cluster, id string) bool {
	for _, identity := range operators(c) {
		if strings.EqualFold(identity.ResourceID, id) {
			return true
		}
	}
	return false
}

func (s *steps) recordTrust(ctx context.Context, w *pipeline.Work, ids []string) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		if slices.Equal(c.Internal.TrustingIdentities, ids) {
			return store.ErrUnchanged
		}
		c.Internal.TrustingIdentities = ids
		return nil
	})
}

func (s *steps) federateOperators(ctx context.Context, c *model.Cluster) error {
	roles, err := s.roles(ctx, c)
	if err != nil {
		return err
	}
	for _, operator := range sortedOperators(c) {
		if len(roles[operator]) == 0 {
			continue
		}
		clients, r, err := s.asClusterIdentity(ctx, c, operators(c)[operator].ResourceID)
		if err != nil {
			return err
		}
		for _, account := range roles[operator][0].ServiceAccounts {
			if err := federate(ctx, clients, r, c, account); err != nil {
				return fmt.Errorf("operator %s: %w", operator, err)
			}
		}
	}
	return nil
}

func federate(ctx context.Context, clients *azure.Clients, identity *azarm.ResourceID, c *model.Cluster, account string) error {
	_, err := clients.FederatedCredentials.CreateOrUpdate(ctx, identity.ResourceGroupName, identity.Name, federationName(c, account),
		armmsi.FederatedIdentityCredential{Properties: &armmsi.FederatedIdentityCredentialProperties{
			Audiences: []*string{new(federationAudience)}, Issuer: &c.Properties.ClusterProfile.OIDCIssuer, Subject: &account,
		}}, nil)
	return err
}

const maxFederationName = 120

// federationName is the same for the same cluster and service account, whatever
// signs for the cluster.
func federationName(c *model.Cluster, account string) string {
	account = account[strings.LastIndexByte(account, ':')+1:]
	sum := sha256.Sum224([]byte(strings.ToLower(c.ID) + "|" + account))
	hash := new(big.Int).SetBytes(sum[:]).Text(36)
	name := c.Name + "_" + account
	return name[:min(len(name), maxFederationName-len(hash)-1)] + "_" + hash
}

// unfederate removes what federateIdentities ever made.
func (s *steps) unfederate(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
	if c.Properties.ClusterProfile.OIDCIssuer == "" {
		return nil
	}
	s.endTrust(ctx, c, trusting(c))
	return ctx.Err()
}

// trusting are the ids of the identities that may trust the cluster.
func trusting(c *model.Cluster) []string {
	ids := slices.Clone(c.Internal.TrustingIdentities)
	for _, operator := range sortedOperators(c) {
		if id := operators(c)[operator].ResourceID; !holds(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// endTrust removes the cluster's federated credentials from identities. These are
// the customer's and may be gone, or out of our reach: that stops nothing. It
// returns those that still may trust the cluster.
func (s *steps) endTrust(ctx context.Context, c *model.Cluster, ids []string) (remaining []string) {
	for _, id := range ids {
		if err := s.unfederateIdentity(ctx, c, id); err != nil && !azure.NotFound(err) {
			s.Log.WarnContext(ctx, "federated credentials remain", "resource_id", c.ID, "identity", id, "error", err)
			remaining = append(remaining, id)
		}
	}
	return remaining
}

func (s *steps) unfederateIdentity(ctx context.Context, c *model.Cluster, id string) error {
	clients, r, err := s.asClusterIdentity(ctx, c, id)
	if err != nil {
		return err
	}
	var failed error
	for pages := clients.FederatedCredentials.NewListPager(r.ResourceGroupName, r.Name, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, f := range page.Value {
			if !federatedFor(f, c) {
				continue
			}
			_, err := clients.FederatedCredentials.Delete(ctx, r.ResourceGroupName, r.Name, deref(f.Name), nil)
			failed = cmp.Or(failed, err)
		}
	}
	return failed
}

func federatedFor(f *armmsi.FederatedIdentityCredential, c *model.Cluster) bool {
	if f == nil || f.Properties == nil || deref(f.Properties.Issuer) != c.Properties.ClusterProfile.OIDCIssuer {
		return false
	}
	return slices.ContainsFunc(f.Properties.Audiences, func(a *string) bool { return deref(a) == federationAudience })
}

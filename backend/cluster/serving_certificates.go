package cluster

import (
	"context"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/wait"
)

// The certificates of a cluster in the vault, and Secrets in the cluster, are
// named after its UID.
const (
	apiCertificate     = "-apiserver"
	ingressCertificate = "-ingress"
)

// configureAPIServerCertificate makes the API server present the certificate
// that everybody trusts. Customers' own domains have none.
func (s *steps) configureAPIServerCertificate(ctx context.Context, w *Work) error {
	return s.configure(ctx, w, apiCertificate, func(ctx context.Context, kube *openshift.Cluster, name string, pair openshift.KeyPair) error {
		return kube.ServeAPI(ctx, name, "api."+s.Env.FullDomain(w.Resource().Properties.ClusterProfile.Domain), pair)
	})
}

// configureIngressCertificate does the same for the default router.
func (s *steps) configureIngressCertificate(ctx context.Context, w *Work) error {
	return s.configure(ctx, w, ingressCertificate, func(ctx context.Context, kube *openshift.Cluster, name string, pair openshift.KeyPair) error {
		return kube.ServeRoutes(ctx, name, pair)
	})
}

func (s *steps) configure(ctx context.Context, w *Work, suffix string,
	serve func(context.Context, *openshift.Cluster, string, openshift.KeyPair) error) error {
	if !s.signed(w.Resource()) {
		return nil
	}
	name := w.Resource().Internal.UID + suffix
	pair, err := s.certificate(ctx, w, name)
	if err != nil {
		return err
	}
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return serve(ctx, kube, name, pair) })
}

// signed reports whether the service has certificates issued for the cluster's names.
func (s *steps) signed(c *model.Cluster) bool {
	_, managed := s.Env.ManagedName(c.Properties.ClusterProfile.Domain)
	return managed
}

func (s *steps) vaultCredential() azcore.TokenCredential { return s.Azure.FirstParty(s.Env.TenantID) }

// certificateIssued waits for the issuer. One that says it can be asked again is
// asked again by the vault.
func (s *steps) certificateIssued(ctx context.Context, w *Work, name string) error {
	vault, err := s.Azure.Certificates(s.Env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	answer, err := vault.GetCertificateOperation(ctx, name, nil)
	if azure.NotFound(err) { // the vault forgets finished operations
		return nil
	}
	if err != nil {
		return err
	}
	status, details := deref(answer.Status), deref(answer.StatusDetails)
	switch {
	case arm.EqualFold(status, "completed"):
		return nil
	case arm.EqualFold(status, "inProgress") || strings.Contains(details, "FailedCanRetry"):
		return later(w, "the certificate "+name+" to be issued")
	}
	return arm.ComponentNotReady.Errorf("The certificate %q was not issued: %s %s. Repeat the request; if it persists open a support ticket.", name, status, strings.TrimRight(openshift.Short(details), "."))
}

// certificate is the newest certificate of a name with its key. A renewal is not
// waited for: it may be stuck while the last one serves well. What does not serve
// any more, or not yet, is not put into a cluster, whatever its order says.
func (s *steps) certificate(ctx context.Context, w *Work, name string) (openshift.KeyPair, error) {
	vault, err := s.Azure.Secrets(s.Env.ClusterVault, s.vaultCredential())
	if err != nil {
		return openshift.KeyPair{}, err
	}
	newest, err := vault.GetSecret(ctx, name, "", nil)
	if err != nil && !azure.NotFound(err) {
		return openshift.KeyPair{}, err
	}
	if err == nil && s.ofTodaysIssuer(&newest.Secret) {
		if pair, err := s.servable(name, &newest.Secret); err == nil {
			return pair, nil
		}
	}
	if err := s.certificateIssued(ctx, w, name); err != nil {
		return openshift.KeyPair{}, err
	}
	if newest, err = vault.GetSecret(ctx, name, "", nil); err != nil {
		return openshift.KeyPair{}, err
	}
	return s.servable(name, &newest.Secret)
}

// issuerTag is the tag of a certificate, and of the secret with its key, that tells
// for which issuer it was ordered. The policy tells of the next one only.
const issuerTag = "issuer"

func (s *steps) ofTodaysIssuer(certificate *azsecrets.Secret) bool {
	return deref(certificate.Tags[issuerTag]) == s.Env.CertificateIssuer
}

// servable takes a certificate out of the vault's secret, and refuses one that
// clients would refuse now or soon.
func (s *steps) servable(name string, secret *azsecrets.Secret) (openshift.KeyPair, error) {
	pair, err := openshift.ParseKeyPair([]byte(deref(secret.Value)))
	if err != nil {
		return pair, err
	}
	from, until, err := pair.Validity()
	if err != nil {
		return pair, err
	}
	if a := secret.Attributes; a != nil && a.Expires != nil && a.Expires.Before(until) {
		until = *a.Expires
	}
	if now := s.Now(); now.Add(servesAtLeast).After(until) || now.Add(clockSkew).Before(from) {
		return openshift.KeyPair{}, wait.Again(arm.ComponentNotReady.Errorf("The newest certificate %q in the vault is valid from %s to %s, and no other has been issued. "+
			"It is not put into the cluster. Repeat the request; if it persists open a support ticket.", name, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)))
	}
	return pair, nil
}

// order has the next version of a certificate issued.
func (s *steps) order(ctx context.Context, vault *azcertificates.Client, name string, policy *azcertificates.CertificatePolicy) error {
	_, err := vault.CreateCertificate(ctx, name, azcertificates.CreateCertificateParameters{
		CertificatePolicy: policy, Tags: map[string]*string{issuerTag: &s.Env.CertificateIssuer},
	}, nil)
	return err
}

// correctCertificateIssuer has certificates issued anew that are from another
// issuer than today's.
func (s *steps) correctCertificateIssuer(ctx context.Context, w *Work) error {
	if !s.signed(w.Resource()) {
		return nil
	}
	vault, err := s.Azure.Certificates(s.Env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	for _, suffix := range []string{apiCertificate, ingressCertificate} {
		if err := s.correctIssuer(ctx, vault, w.Resource().Internal.UID+suffix); err != nil {
			return err
		}
	}
	return nil
}

func (s *steps) correctIssuer(ctx context.Context, vault *azcertificates.Client, name string) error {
	answer, err := vault.GetCertificatePolicy(ctx, name, nil)
	if err != nil {
		return err
	}
	policy := answer.CertificatePolicy
	if policy.IssuerParameters != nil && deref(policy.IssuerParameters.Name) == s.Env.CertificateIssuer {
		return nil
	}
	policy.IssuerParameters = &azcertificates.IssuerParameters{Name: &s.Env.CertificateIssuer}
	// The new version comes first: a policy that is right already would hide that it is missing.
	if err := s.order(ctx, vault, name, &policy); err != nil {
		return err
	}
	_, err = vault.UpdateCertificatePolicy(ctx, name, policy, nil)
	return err
}

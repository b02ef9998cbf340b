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
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/wait"
)

// certificates manages the certificates that the service issues for the names of clusters.
type certificates struct {
	azure *azureAccess
	env   *environment.Environment
	api   *clusterAPI
	now   func() time.Time
}

// certificateNames returns the DNS names of each certificate of a cluster.
func (s *certificates) certificateNames(c *model.Cluster) map[string]string {
	domain := s.env.FullDomain(c.Properties.ClusterProfile.Domain)
	return map[string]string{c.Internal.UID + apiCertificate: "api." + domain, c.Internal.UID + ingressCertificate: "*.apps." + domain}
}

// orderCertificates has the vault order the cluster's certificates that are missing, or that expire
// soon although the vault should have renewed them. Later steps wait for them where they are used:
// the issuer takes minutes.
func (s *certificates) orderCertificates(ctx context.Context, w *Work) error {
	vault, err := s.azure.Certificates(s.env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	for name, dns := range s.certificateNames(w.Resource()) {
		ordered, err := s.isOrdered(ctx, vault, name)
		if err != nil {
			return err
		}
		if ordered {
			continue
		}
		err = s.order(ctx, vault, name, s.certificatePolicy(dns))
		if azure.Conflict(err) {
			err = s.reclaim(ctx, w, vault, name, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isOrdered reports whether a certificate is being issued, or was issued and is valid long enough.
func (s *certificates) isOrdered(ctx context.Context, vault *azcertificates.Client, name string) (bool, error) {
	operation, err := vault.GetCertificateOperation(ctx, name, nil)
	if err == nil && arm.EqualFold(deref(operation.Status), "inProgress") {
		return true, nil
	}
	if err != nil && !azure.NotFound(err) {
		return false, err
	}
	newest, err := vault.GetCertificate(ctx, name, "", nil)
	if azure.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	a := newest.Attributes
	return a != nil && a.Expires != nil && (a.Enabled == nil || *a.Enabled) && s.now().Add(orderBeforeDead).Before(*a.Expires), nil
}

// reclaim frees the name of a certificate that was deleted in the vault, which retains deleted
// ones: the certificate is recovered or, without that permission, purged. refusal is the vault's
// answer to the order.
func (s *certificates) reclaim(ctx context.Context, w *Work, vault *azcertificates.Client, name string, refusal error) error {
	_, err := vault.GetDeletedCertificate(ctx, name, nil)
	if azure.NotFound(err) { // it is on its way back, or something else is in the way
		return refusal
	}
	if err != nil {
		return err
	}
	again := "the deleted certificate " + name + " to be recovered"
	_, err = vault.RecoverDeletedCertificate(ctx, name, nil)
	if azure.Forbidden(err) {
		again = "the deleted certificate " + name + " to be purged"
		_, err = vault.PurgeDeletedCertificate(ctx, name, nil)
	}
	switch {
	case azure.Forbidden(err):
		return arm.ComponentNotReady.Errorf("The certificate %q was deleted in the vault, which keeps its name, and the service may neither recover nor purge it. "+
			"Those who run the service have to do either, or give it the right to.", name).Because(err)
	case err != nil && !azure.NotFound(err) && !azure.Conflict(err):
		return err
	}
	return later(w, again)
}

const (
	maxCommonName       = 64 // X.509
	validMonths         = 3
	renewDaysBeforeDead = 30
	// orderBeforeDead is how long before expiry a renewal by the vault counts as failed, so that an
	// update orders the certificate again.
	orderBeforeDead = 14 * 24 * time.Hour
	// servesAtLeast is the remaining validity that a certificate needs to be put into a cluster.
	servesAtLeast = 24 * time.Hour
	// clockSkew is the tolerated difference between the clocks of the issuer and the service.
	clockSkew = 10 * time.Minute
)

func (s *certificates) certificatePolicy(dns string) *azcertificates.CertificatePolicy {
	common := dns
	if len(common) > maxCommonName {
		common = "reserved." + s.env.Domain
	}
	return &azcertificates.CertificatePolicy{
		IssuerParameters: &azcertificates.IssuerParameters{Name: &s.env.CertificateIssuer},
		KeyProperties: &azcertificates.KeyProperties{
			Exportable: new(true), KeyType: new(azcertificates.KeyTypeRSA), KeySize: new(int32(2048)), ReuseKey: new(false),
		},
		SecretProperties: &azcertificates.SecretProperties{ContentType: new("application/x-pem-file")},
		X509CertificateProperties: &azcertificates.X509CertificateProperties{
			Subject:                 new("CN=" + common),
			SubjectAlternativeNames: &azcertificates.SubjectAlternativeNames{DNSNames: []*string{&dns}},
			EnhancedKeyUsage:        []*string{new("1.3.6.1.5.5.7.3.1")},
			KeyUsage:                []*azcertificates.KeyUsageType{new(azcertificates.KeyUsageTypeDigitalSignature), new(azcertificates.KeyUsageTypeKeyEncipherment)},
			ValidityInMonths:        new(int32(validMonths)),
		},
		LifetimeActions: []*azcertificates.LifetimeAction{{
			Action:  &azcertificates.LifetimeActionType{ActionType: new(azcertificates.CertificatePolicyActionAutoRenew)},
			Trigger: &azcertificates.LifetimeActionTrigger{DaysBeforeExpiry: new(int32(renewDaysBeforeDead))},
		}},
	}
}

// removeCertificates deletes the certificates in the vault.
func (s *certificates) removeCertificates(ctx context.Context, w *Work) error {
	vault, err := s.azure.Certificates(s.env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	for name := range s.certificateNames(w.Resource()) {
		if _, err := vault.DeleteCertificate(ctx, name, nil); err != nil && !azure.NotFound(err) {
			return err
		}
	}
	return nil
}

// The certificates of a cluster in the vault, and Secrets in the cluster, are
// named after its UID.
const (
	apiCertificate     = "-apiserver"
	ingressCertificate = "-ingress"
)

// configureAPIServerCertificate makes the API server present the publicly trusted certificate.
// Customers' own domains have none.
func (s *certificates) configureAPIServerCertificate(ctx context.Context, w *Work) error {
	return s.configure(ctx, w, apiCertificate, func(ctx context.Context, kube *openshift.Cluster, name string, pair openshift.KeyPair) error {
		return kube.ServeAPI(ctx, name, "api."+s.env.FullDomain(w.Resource().Properties.ClusterProfile.Domain), pair)
	})
}

// configureIngressCertificate does the same for the default router.
func (s *certificates) configureIngressCertificate(ctx context.Context, w *Work) error {
	return s.configure(ctx, w, ingressCertificate, func(ctx context.Context, kube *openshift.Cluster, name string, pair openshift.KeyPair) error {
		return kube.ServeRoutes(ctx, name, pair)
	})
}

func (s *certificates) configure(ctx context.Context, w *Work, suffix string,
	serve func(context.Context, *openshift.Cluster, string, openshift.KeyPair) error) error {
	if !s.signed(w.Resource()) {
		return nil
	}
	name := w.Resource().Internal.UID + suffix
	pair, err := s.certificate(ctx, w, name)
	if err != nil {
		return err
	}
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return serve(ctx, kube, name, pair) })
}

// signed reports whether the service has certificates issued for the cluster's names.
func (s *certificates) signed(c *model.Cluster) bool { return managed(s.env, c) }

func (s *certificates) vaultCredential() azcore.TokenCredential {
	return s.azure.FirstParty(s.env.TenantID)
}

// certificateIssued waits for the issuer. The vault itself repeats a request that the issuer allows
// to repeat.
func (s *certificates) certificateIssued(ctx context.Context, w *Work, name string) error {
	vault, err := s.azure.Certificates(s.env.ClusterVault, s.vaultCredential())
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

// certificate returns the newest certificate of a name with its key. It does not wait for a
// renewal, which may be stuck while the last certificate is valid. A certificate that is not valid
// now is not put into a cluster, whatever the state of its order.
func (s *certificates) certificate(ctx context.Context, w *Work, name string) (openshift.KeyPair, error) {
	vault, err := s.azure.Secrets(s.env.ClusterVault, s.vaultCredential())
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

// issuerTag is the tag of a certificate, and of the secret with its key, that names
// the issuer for which it was ordered. The policy is about the next one only.
const issuerTag = "issuer"

func (s *certificates) ofTodaysIssuer(certificate *azsecrets.Secret) bool {
	return deref(certificate.Tags[issuerTag]) == s.env.CertificateIssuer
}

// servable reads a certificate from the vault's secret, and rejects one that is not valid now or
// expires soon.
func (s *certificates) servable(name string, secret *azsecrets.Secret) (openshift.KeyPair, error) {
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
	if now := s.now(); now.Add(servesAtLeast).After(until) || now.Add(clockSkew).Before(from) {
		return openshift.KeyPair{}, wait.Again(arm.ComponentNotReady.Errorf("The newest certificate %q in the vault is valid from %s to %s, and no other has been issued. "+
			"It is not put into the cluster. Repeat the request; if it persists open a support ticket.", name, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)))
	}
	return pair, nil
}

// order has the next version of a certificate issued.
func (s *certificates) order(ctx context.Context, vault *azcertificates.Client, name string, policy *azcertificates.CertificatePolicy) error {
	_, err := vault.CreateCertificate(ctx, name, azcertificates.CreateCertificateParameters{
		CertificatePolicy: policy, Tags: map[string]*string{issuerTag: &s.env.CertificateIssuer},
	}, nil)
	return err
}

// correctCertificateIssuer reissues certificates whose issuer is not the configured one.
func (s *certificates) correctCertificateIssuer(ctx context.Context, w *Work) error {
	if !s.signed(w.Resource()) {
		return nil
	}
	vault, err := s.azure.Certificates(s.env.ClusterVault, s.vaultCredential())
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

func (s *certificates) correctIssuer(ctx context.Context, vault *azcertificates.Client, name string) error {
	answer, err := vault.GetCertificatePolicy(ctx, name, nil)
	if err != nil {
		return err
	}
	policy := answer.CertificatePolicy
	if policy.IssuerParameters != nil && deref(policy.IssuerParameters.Name) == s.env.CertificateIssuer {
		return nil
	}
	policy.IssuerParameters = &azcertificates.IssuerParameters{Name: &s.env.CertificateIssuer}
	// The new version comes first: a policy that is right already would hide that it is missing.
	if err := s.order(ctx, vault, name, &policy); err != nil {
		return err
	}
	_, err = vault.UpdateCertificatePolicy(ctx, name, policy, nil)
	return err
}

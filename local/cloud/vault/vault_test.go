package vault_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/state"
	"github.com/aro-rp/aro/local/cloud/vault"
)

const (
	tenant  = "00000000-0000-0000-0000-0000000000f0"
	vaultID = "/subscriptions/a0/resourceGroups/aro-rp/providers/Microsoft.KeyVault/vaults/"
)

// fixture is an Entra ID and the vaults aro-svc and aro-cls at one TLS server.
type fixture struct {
	*httptest.Server
	entra *entra.Entra
	vault *vault.Service
	db    *state.DB
	now   time.Time
	ca    authority
	// grants are the actions that a principal may do, by prefix, below a scope.
	grants map[string][]grant
}

type grant struct{ action, scope string }

func (w *fixture) Check(_ context.Context, principal, action, scope string) (bool, string, error) {
	return slices.ContainsFunc(w.grants[principal], func(g grant) bool {
		return strings.HasPrefix(action, "Microsoft.KeyVault/vaults/"+g.action) && strings.HasPrefix(scope, g.scope)
	}), "no assignment", nil
}

func (w *fixture) VaultID(_ context.Context, name string) (string, bool, error) {
	return vaultID + name, name == "aro-svc" || name == "aro-cls", nil
}

type authority struct {
	certificate *x509.Certificate
	key         *rsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{c, key}
}

func (a authority) Sign(template *x509.Certificate, public crypto.PublicKey) ([][]byte, error) {
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	return [][]byte{der, a.certificate.Raw}, err
}

func (w *fixture) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/vaults/") {
		w.vault.ServeHTTP(rw, r)
		return
	}
	w.entra.ServeHTTP(rw, r)
}

func (w *fixture) clock() time.Time {
	if w.now.IsZero() {
		return time.Now()
	}
	return w.now
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{grants: map[string][]grant{}, ca: newAuthority(t)}
	var err error
	if w.db, err = state.Open(filepath.Join(t.TempDir(), "state.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	w.Server = httptest.NewTLSServer(w)
	t.Cleanup(w.Close)
	if w.entra, err = entra.New(t.Context(), entra.Options{State: w.db, Origin: w.URL, Tenant: tenant, Now: w.clock}); err != nil {
		t.Fatal(err)
	}
	w.open()
	return w
}

// open makes the service over what is kept, as a restart does.
func (w *fixture) open() {
	w.vault = vault.New(vault.Options{State: w.db, Origin: w.URL, Tenant: tenant, Tokens: w.entra, Access: w, Vaults: w, Authority: w.ca, Now: w.clock})
}

// credential is of a new application that may do the actions in a vault.
func (w *fixture) credential(t *testing.T, grants ...grant) azcore.TokenCredential {
	t.Helper()
	app, err := w.entra.CreateApplication(t.Context(), "", "caller")
	if err != nil {
		t.Fatal(err)
	}
	sp, err := w.entra.CreateServicePrincipal(t.Context(), app.AppID)
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := w.entra.AddPassword(t.Context(), app.AppID, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	w.grants[sp.ObjectID] = grants
	credential, err := azidentity.NewClientSecretCredential(tenant, app.AppID, secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

func (w *fixture) options() policy.ClientOptions {
	return policy.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: w.URL}, Transport: w.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}
}

func (w *fixture) secrets(t *testing.T, name string, credential azcore.TokenCredential) *azsecrets.Client {
	t.Helper()
	client, err := azsecrets.NewClient(w.URL+"/vaults/"+name+"/", credential, &azsecrets.ClientOptions{ClientOptions: w.options(), DisableChallengeResourceVerification: true})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (w *fixture) certificates(t *testing.T, name string, credential azcore.TokenCredential) *azcertificates.Client {
	t.Helper()
	client, err := azcertificates.NewClient(w.URL+"/vaults/"+name, credential, &azcertificates.ClientOptions{ClientOptions: w.options(), DisableChallengeResourceVerification: true})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func mustFail(t *testing.T, err error, status int, code string) {
	t.Helper()
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.StatusCode != status || response.ErrorCode != code {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecretLivesInVersions(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.secrets(t, "aro-svc", w.credential(t, grant{"secrets/", vaultID + "aro-svc"}))
	expires := time.Now().Add(time.Hour).Truncate(time.Second)
	first, err := client.SetSecret(ctx, "msi-1", azsecrets.SetSecretParameters{Value: to.Ptr("one"), ContentType: to.Ptr("text/plain"), Tags: map[string]*string{"renew_after": to.Ptr("x")}, SecretAttributes: &azsecrets.SecretAttributes{Expires: &expires}}, nil)
	check(t, err)
	second, err := client.SetSecret(ctx, "msi-1", azsecrets.SetSecretParameters{Value: to.Ptr("two")}, nil)
	check(t, err)
	w.open()
	latest, err := client.GetSecret(ctx, "MSI-1", "", nil)
	check(t, err)
	if *latest.Value != "two" || *latest.ID != *second.ID {
		t.Errorf("latest is %s %s", *latest.Value, *latest.ID)
	}
	version := first.ID.Version()
	if first.ID.Name() != "msi-1" || version == "" || version == second.ID.Version() {
		t.Errorf("the SDK reads name %q and version %q from %s", first.ID.Name(), version, *first.ID)
	}
	old, err := client.GetSecret(ctx, "msi-1", version, nil)
	check(t, err)
	if *old.Value != "one" || *old.Tags["renew_after"] != "x" || !old.Attributes.Expires.Equal(expires) || !*old.Attributes.Enabled || *old.ContentType != "text/plain" {
		t.Errorf("old version is %+v", old.Secret)
	}
	_, err = client.UpdateSecretProperties(ctx, "msi-1", version, azsecrets.UpdateSecretPropertiesParameters{SecretAttributes: &azsecrets.SecretAttributes{Enabled: to.Ptr(false)}}, nil)
	check(t, err)
	_, err = client.GetSecret(ctx, "msi-1", version, nil)
	mustFail(t, err, http.StatusForbidden, "Forbidden")
	page, err := client.NewListSecretPropertiesVersionsPager("msi-1", nil).NextPage(ctx)
	check(t, err)
	all, err := client.NewListSecretPropertiesPager(nil).NextPage(ctx)
	check(t, err)
	if len(page.Value) != 2 || len(all.Value) != 1 {
		t.Errorf("%d versions, %d secrets", len(page.Value), len(all.Value))
	}
	_, err = client.GetSecret(ctx, "absent", "", nil)
	mustFail(t, err, http.StatusNotFound, "SecretNotFound")
	_, err = client.SetSecret(ctx, "not_valid", azsecrets.SetSecretParameters{Value: to.Ptr("x")}, nil)
	mustFail(t, err, http.StatusBadRequest, "BadParameter")
}

func TestIDLeadsToItsObject(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	credential := w.credential(t, grant{"secrets/", vaultID + "aro-svc"})
	set, err := w.secrets(t, "aro-svc", credential).SetSecret(ctx, "s", azsecrets.SetSecretParameters{Value: to.Ptr("one")}, nil)
	check(t, err)
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{vault.Audience + "/.default"}})
	check(t, err)
	id, err := url.Parse(string(*set.ID))
	check(t, err)
	if !vault.Hosted(id.Host) {
		t.Errorf("%s is not of a vault", id.Host)
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, id.String(), nil)
	request.Header.Set("Authorization", "Bearer "+token.Token)
	answer := httptest.NewRecorder()
	w.vault.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"value":"one"`) {
		t.Error(answer.Code, answer.Body)
	}
}

func TestDeletedSecretComesBackOrGoesForGood(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.secrets(t, "aro-svc", w.credential(t, grant{"secrets/", vaultID + "aro-svc"}))
	set := func() error {
		_, err := client.SetSecret(ctx, "s", azsecrets.SetSecretParameters{Value: to.Ptr("one")}, nil)
		return err
	}
	check(t, set())
	deleted, err := client.DeleteSecret(ctx, "s", nil)
	check(t, err)
	if deleted.RecoveryID == nil || deleted.DeletedDate == nil {
		t.Errorf("%+v", deleted)
	}
	_, err = client.GetSecret(ctx, "s", "", nil)
	mustFail(t, err, http.StatusNotFound, "SecretNotFound")
	mustFail(t, set(), http.StatusConflict, "Conflict")
	_, err = client.RecoverDeletedSecret(ctx, "s", nil)
	check(t, err)
	if got, err := client.GetSecret(ctx, "s", "", nil); err != nil || *got.Value != "one" {
		t.Error(got, err)
	}
	_, err = client.DeleteSecret(ctx, "s", nil)
	check(t, err)
	_, err = client.PurgeDeletedSecret(ctx, "s", nil)
	check(t, err)
	_, err = client.GetDeletedSecret(ctx, "s", nil)
	mustFail(t, err, http.StatusNotFound, "SecretNotFound")
	check(t, set())
}

// Azure keeps what is deleted for ninety days, and then removes it by itself.
func TestDeletedObjectsGoWhenTheirTimeIsOver(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	credential := w.credential(t, grant{"", vaultID + "aro-cls"})
	client, secrets := w.certificates(t, "aro-cls", credential), w.secrets(t, "aro-cls", credential)
	check(t, w.vault.EnsureCertificate(ctx, "aro-cls", "c", "first.test", "first.test"))
	check(t, w.vault.EnsureSecret(ctx, "aro-cls", "s", "one"))
	certificate, err := client.DeleteCertificate(ctx, "c", nil)
	check(t, err)
	_, err = secrets.DeleteSecret(ctx, "s", nil)
	check(t, err)
	rest := func() int {
		n := 0
		for _, kind := range []string{"vault/deletedsecret", "vault/deletedcertificate"} {
			entries, err := w.db.List(ctx, kind, "")
			check(t, err)
			n += len(entries)
		}
		return n
	}
	expires := *certificate.ScheduledPurgeDate
	for _, moment := range []struct {
		now  time.Time
		want int
	}{{expires.Add(-time.Minute), 3}, {expires.Add(time.Minute), 0}} {
		w.now = moment.now
		fresh := w.credential(t, grant{"", vaultID + "aro-cls"}) // tokens do not last as long
		_, err := w.certificates(t, "aro-cls", fresh).NewListDeletedCertificatePropertiesPager(nil).NextPage(ctx)
		check(t, err)
		if n := rest(); n != moment.want {
			t.Errorf("at %s %d deleted objects are left, want %d", moment.now, n, moment.want)
		}
	}
}

func TestCallersDoOnlyWhatTheyMay(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	check(t, w.vault.EnsureSecret(ctx, "aro-svc", "s", "value"))
	reader := w.secrets(t, "aro-svc", w.credential(t, grant{"secrets/getSecret", vaultID + "aro-svc/secrets/s"}))
	_, err := reader.GetSecret(ctx, "s", "", nil)
	check(t, err)
	_, err = reader.GetSecret(ctx, "other", "", nil)
	mustFail(t, err, http.StatusForbidden, "Forbidden")
	_, err = reader.SetSecret(ctx, "s", azsecrets.SetSecretParameters{Value: to.Ptr("x")}, nil)
	mustFail(t, err, http.StatusForbidden, "Forbidden")
	elsewhere := w.secrets(t, "aro-cls", w.credential(t, grant{"secrets/", vaultID + "aro-svc"}))
	_, err = elsewhere.GetSecret(ctx, "s", "", nil)
	mustFail(t, err, http.StatusForbidden, "Forbidden")

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/vaults/aro-svc/secrets/s", nil)
	check(t, err)
	arm, err := w.credential(t, grant{"", ""}).GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{w.URL + "/.default"}})
	check(t, err)
	request.Header.Set("Authorization", "Bearer "+arm.Token)
	response, err := w.Client().Do(request)
	check(t, err)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized || response.Header.Get("WWW-Authenticate") == "" {
		t.Error("a token for ARM opens the vault:", response.Status)
	}
}

func issuedBy(name string) azcertificates.CreateCertificateParameters {
	return azcertificates.CreateCertificateParameters{CertificatePolicy: &azcertificates.CertificatePolicy{
		IssuerParameters: &azcertificates.IssuerParameters{Name: &name},
		KeyProperties:    &azcertificates.KeyProperties{Exportable: to.Ptr(true), KeyType: to.Ptr(azcertificates.KeyTypeRSA), KeySize: to.Ptr[int32](2048)},
		SecretProperties: &azcertificates.SecretProperties{ContentType: to.Ptr("application/x-pem-file")},
		X509CertificateProperties: &azcertificates.X509CertificateProperties{
			Subject: to.Ptr("CN=api.c1.eastus.aroapp.test"), SubjectAlternativeNames: &azcertificates.SubjectAlternativeNames{DNSNames: []*string{to.Ptr("api.c1.eastus.aroapp.test")}},
			EnhancedKeyUsage: []*string{to.Ptr("1.3.6.1.5.5.7.3.1")}, ValidityInMonths: to.Ptr[int32](3),
		},
		LifetimeActions: []*azcertificates.LifetimeAction{{Trigger: &azcertificates.LifetimeActionTrigger{DaysBeforeExpiry: to.Ptr[int32](30)}, Action: &azcertificates.LifetimeActionType{ActionType: to.Ptr(azcertificates.CertificatePolicyActionAutoRenew)}}},
	}}
}

// chainOf reads the certificates of a PEM secret, which begins with their key.
func chainOf(t *testing.T, value string) (chain []*x509.Certificate, key *rsa.PrivateKey) {
	t.Helper()
	rest := []byte(value)
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "PRIVATE KEY" {
			parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			check(t, err)
			key = parsed.(*rsa.PrivateKey)
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		check(t, err)
		chain = append(chain, c)
	}
	return chain, key
}

func TestCertificateIsIssuedAndRenewed(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	credential := w.credential(t, grant{"", vaultID + "aro-cls"})
	client, secrets := w.certificates(t, "aro-cls", credential), w.secrets(t, "aro-cls", credential)
	created, err := client.CreateCertificate(ctx, "c1-apiserver", issuedBy("OneCertV2-PublicCA"), nil)
	check(t, err)
	if *created.Status != "inProgress" {
		t.Error(*created.Status)
	}
	w.open()
	operation, err := client.GetCertificateOperation(ctx, "c1-apiserver", nil)
	check(t, err)
	if *operation.Status != "completed" || operation.Target == nil {
		t.Errorf("%+v", operation.CertificateOperation)
	}
	bundle, err := client.GetCertificate(ctx, "c1-apiserver", "", nil)
	check(t, err)
	secret, err := secrets.GetSecret(ctx, "c1-apiserver", "", nil)
	check(t, err)
	chain, key := chainOf(t, *secret.Value)
	if len(chain) != 2 || !key.PublicKey.Equal(chain[0].PublicKey) || string(chain[0].Raw) != string(bundle.CER) || *secret.ContentType != "application/x-pem-file" {
		t.Errorf("the secret is not the certificate: %d certificates", len(chain))
	}
	roots := x509.NewCertPool()
	roots.AddCert(w.ca.certificate)
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: "api.c1.eastus.aroapp.test"}); err != nil {
		t.Error(err)
	}
	if months := time.Until(chain[0].NotAfter).Hours() / 24 / 30; months < 2.9 || months > 3.2 {
		t.Errorf("valid for %.1f months", months)
	}

	w.now = chain[0].NotAfter.AddDate(0, 0, -29)
	later := w.credential(t, grant{"", vaultID + "aro-cls"}) // the old token is expired
	renewed, err := w.secrets(t, "aro-cls", later).GetSecret(ctx, "c1-apiserver", "", nil)
	check(t, err)
	if next, _ := chainOf(t, *renewed.Value); next[0].Equal(chain[0]) || !next[0].NotAfter.After(chain[0].NotAfter) {
		t.Error("the certificate was not renewed")
	}
}

func TestCertificateIssuerChangesByPolicy(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.certificates(t, "aro-cls", w.credential(t, grant{"", vaultID + "aro-cls"}))
	_, err := client.CreateCertificate(ctx, "c", issuedBy("Self"), nil)
	check(t, err)
	before, err := client.GetCertificate(ctx, "c", "", nil)
	check(t, err)
	parsed, err := x509.ParseCertificate(before.CER)
	check(t, err)
	if parsed.Issuer.String() != parsed.Subject.String() {
		t.Error("not signed by itself:", parsed.Issuer)
	}
	_, err = client.UpdateCertificatePolicy(ctx, "c", azcertificates.CertificatePolicy{IssuerParameters: &azcertificates.IssuerParameters{Name: to.Ptr("DigiCert")}}, nil)
	check(t, err)
	policy, err := client.GetCertificatePolicy(ctx, "c", nil)
	check(t, err)
	if *policy.IssuerParameters.Name != "DigiCert" || *policy.X509CertificateProperties.ValidityInMonths != 3 {
		t.Errorf("%+v", policy.CertificatePolicy)
	}
	_, err = client.CreateCertificate(ctx, "c", azcertificates.CreateCertificateParameters{CertificatePolicy: &policy.CertificatePolicy}, nil)
	check(t, err)
	after, err := client.GetCertificate(ctx, "c", "", nil)
	check(t, err)
	if parsed, err = x509.ParseCertificate(after.CER); err != nil || parsed.Issuer.CommonName != "ca" {
		t.Error(parsed.Issuer, err)
	}
	versions, err := client.NewListCertificatePropertiesVersionsPager("c", nil).NextPage(ctx)
	check(t, err)
	if len(versions.Value) != 2 {
		t.Errorf("%d versions", len(versions.Value))
	}
	_, err = client.CreateCertificate(ctx, "bad", azcertificates.CreateCertificateParameters{CertificatePolicy: &azcertificates.CertificatePolicy{}}, nil)
	mustFail(t, err, http.StatusBadRequest, "BadParameter")
}

func TestKeyThatIsNotExportableStaysInTheVault(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	credential := w.credential(t, grant{"", vaultID + "aro-cls"})
	wanted := issuedBy("Self")
	wanted.CertificatePolicy.KeyProperties.Exportable = to.Ptr(false)
	_, err := w.certificates(t, "aro-cls", credential).CreateCertificate(ctx, "c", wanted, nil)
	check(t, err)
	secret, err := w.secrets(t, "aro-cls", credential).GetSecret(ctx, "c", "", nil)
	check(t, err)
	if chain, key := chainOf(t, *secret.Value); len(chain) != 1 || key != nil {
		t.Errorf("%d certificates, key %t", len(chain), key != nil)
	}
}

func TestDeletedCertificateTakesItsSecretAlong(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	credential := w.credential(t, grant{"", vaultID + "aro-cls"})
	client, secrets := w.certificates(t, "aro-cls", credential), w.secrets(t, "aro-cls", credential)
	check(t, w.vault.EnsureCertificate(ctx, "aro-cls", "c", "first.test", "first.test"))
	_, err := secrets.DeleteSecret(ctx, "c", nil)
	mustFail(t, err, http.StatusForbidden, "Forbidden")
	_, err = client.DeleteCertificate(ctx, "c", nil)
	check(t, err)
	_, err = secrets.GetSecret(ctx, "c", "", nil)
	mustFail(t, err, http.StatusNotFound, "SecretNotFound")
	_, err = client.GetCertificate(ctx, "c", "", nil)
	mustFail(t, err, http.StatusNotFound, "CertificateNotFound")
	_, err = client.CreateCertificate(ctx, "c", issuedBy("Self"), nil)
	mustFail(t, err, http.StatusConflict, "Conflict")
	_, err = client.RecoverDeletedCertificate(ctx, "c", nil)
	check(t, err)
	_, err = secrets.GetSecret(ctx, "c", "", nil)
	check(t, err)
	_, err = client.DeleteCertificate(ctx, "c", nil)
	check(t, err)
	_, err = client.PurgeDeletedCertificate(ctx, "c", nil)
	check(t, err)
	_, err = client.CreateCertificate(ctx, "c", issuedBy("Self"), nil)
	check(t, err)
}

func TestImportedCertificateIsReadAsItWas(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	credential := w.credential(t, grant{"", vaultID + "aro-svc"})
	client, secrets := w.certificates(t, "aro-svc", credential), w.secrets(t, "aro-svc", credential)
	archive, err := pkcs12.LegacyDES.Encode(w.ca.key, w.ca.certificate, nil, "password")
	check(t, err)
	value := base64.StdEncoding.EncodeToString(archive)
	imported, err := client.ImportCertificate(ctx, "c", azcertificates.ImportCertificateParameters{Base64EncodedCertificate: &value, Password: to.Ptr("password")}, nil)
	check(t, err)
	secret, err := secrets.GetSecret(ctx, "c", "", nil)
	check(t, err)
	der, err := base64.StdEncoding.DecodeString(*secret.Value)
	check(t, err)
	certificates, key, err := azidentity.ParseCertificates(der, nil)
	check(t, err)
	if !certificates[0].Equal(w.ca.certificate) || !w.ca.key.Equal(key) || string(imported.CER) != string(w.ca.certificate.Raw) {
		t.Error("another certificate")
	}
	_, err = client.ImportCertificate(ctx, "d", azcertificates.ImportCertificateParameters{Base64EncodedCertificate: &value, Password: to.Ptr("wrong")}, nil)
	mustFail(t, err, http.StatusBadRequest, "BadParameter")
}

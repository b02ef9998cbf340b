package entra

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

// How long the certificates of managed identities live, in days.
const (
	credentialValid       = 90
	credentialRenewAfter  = 45
	credentialRenewBefore = 450
)

const maxIdentities = 50

// MSIPrefix is the path of the data plane of managed identities; that of the resource
// whose identities are meant follows.
const MSIPrefix = "/msi"

// errNotAssigned means that a resource does not have an identity.
var errNotAssigned = errors.New("identity is not assigned to the resource")

// authority issues the certificates of managed identities; only this package trusts it.
type authority struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
	pool        *x509.CertPool
}

func loadAuthority(ctx context.Context, db *state.DB, now time.Time) (*authority, error) {
	key, der, err := loadKey(ctx, db, "managed-identities", func(key *rsa.PrivateKey) ([]byte, error) {
		template := &x509.Certificate{
			SerialNumber:          big.NewInt(1),
			Subject:               pkix.Name{CommonName: "Managed identities of the local Azure"},
			NotBefore:             now.Add(-time.Hour),
			NotAfter:              now.AddDate(20, 0, 0),
			KeyUsage:              x509.KeyUsageCertSign,
			BasicConstraintsValid: true,
			IsCA:                  true,
		}
		return x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	})
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &authority{key: key, certificate: certificate, pool: pool}, nil
}

// issue makes a key and certificate of a client id as PKCS #12, in the old encoding
// because the clients read no newer one.
func (a *authority) issue(clientID string, from, until time.Time) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: clientID},
		NotBefore:    from,
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return pkcs12.LegacyDES.Encode(key, leaf, []*x509.Certificate{a.certificate}, "")
}

// identityCredentials is the data plane's answer for one user-assigned identity.
type identityCredentials struct {
	AuthenticationEndpoint string `json:"authentication_endpoint"`
	MTLSEndpoint           string `json:"mtls_authentication_endpoint"`
	ClientID               string `json:"client_id"`
	ClientSecret           string `json:"client_secret"`
	ClientSecretURL        string `json:"client_secret_url"`
	TenantID               string `json:"tenant_id"`
	ObjectID               string `json:"object_id"`
	ResourceID             string `json:"resource_id"`
	NotBefore              string `json:"not_before"`
	NotAfter               string `json:"not_after"`
	RenewAfter             string `json:"renew_after"`
	CannotRenewAfter       string `json:"cannot_renew_after"`
}

// managedIdentities serves the data plane of managed identities, whose addresses ARM passes to the
// resource provider in a header.
func (e *Entra) managedIdentities(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization="%s/%s"`, e.Origin, e.Tenant))
		e.refuse(w, http.StatusUnauthorized, "Unauthorized", "The request has no bearer token.")
		return
	}
	caller, err := e.Verify(token)
	if err != nil {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization="%s/%s", error="invalid_token"`, e.Origin, e.Tenant))
		e.refuse(w, http.StatusUnauthorized, "Unauthorized", "The token is invalid or expired.")
		return
	}
	if e.FirstParty == "" || !arm.EqualFold(caller.AppID, e.FirstParty) {
		e.refuse(w, http.StatusForbidden, "Forbidden", "Only the application of a resource provider may take credentials of managed identities.")
		return
	}
	switch {
	case r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/proxy/move"):
		e.giveCredentials(w, r)
	case r.Method == http.MethodGet, r.Method == http.MethodDelete:
		e.refuse(w, http.StatusNotFound, "NotFound", "The resource has no system-assigned identity.")
	default:
		e.refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "The operation is not supported.")
	}
}

func (e *Entra) giveCredentials(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Identities []string `json:"identityIds"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm)).Decode(&asked); err != nil {
		e.refuse(w, http.StatusBadRequest, "BadRequest", "The body is no JSON document.")
		return
	}
	if len(asked.Identities) == 0 || len(asked.Identities) > maxIdentities {
		e.refuse(w, http.StatusBadRequest, "BadRequest", fmt.Sprintf("identityIds has to name 1 to %d identities.", maxIdentities))
		return
	}
	given := []identityCredentials{}
	for _, id := range asked.Identities {
		credentials, err := e.credentialsFor(r.Context(), strings.TrimPrefix(r.URL.Path, MSIPrefix), id)
		if errors.Is(err, ErrNotFound) {
			e.refuse(w, http.StatusNotFound, "IdentityNotFound", fmt.Sprintf("The managed identity '%s' was not found.", id))
			return
		}
		if errors.Is(err, errNotAssigned) {
			e.refuse(w, http.StatusForbidden, "Forbidden", fmt.Sprintf("The managed identity '%s' is not assigned to the resource.", id))
			return
		}
		if err != nil {
			e.refuse(w, http.StatusInternalServerError, "InternalServerError", "The credentials could not be made.")
			return
		}
		credentials.ClientSecretURL = e.Origin + r.URL.Path
		given = append(given, credentials)
	}
	e.answer(w, http.StatusOK, map[string]any{"explicit_identities": given})
}

// credentialsFor are those of an identity that a resource has. The address of the data
// plane names the resource, so that a provider gets no more than ARM let be assigned.
func (e *Entra) credentialsFor(ctx context.Context, resourceID, identityID string) (identityCredentials, error) {
	if e.Assigned == nil {
		return identityCredentials{}, errNotAssigned
	}
	assigned, err := e.Assigned(ctx, resourceID, identityID)
	if err == nil && !assigned {
		err = errNotAssigned
	}
	if err != nil {
		return identityCredentials{}, err
	}
	return e.credentials(ctx, identityID)
}

func (e *Entra) credentials(ctx context.Context, resourceID string) (identityCredentials, error) {
	sp, err := e.Identity(ctx, resourceID)
	if err != nil {
		return identityCredentials{}, err
	}
	from := e.Now().UTC().Truncate(time.Second)
	until := from.AddDate(0, 0, credentialValid)
	// The clock of the machine that uses it may be a little behind.
	secret, err := e.machine.issue(sp.AppID, from.Add(-5*time.Minute), until)
	if err != nil {
		return identityCredentials{}, err
	}
	return identityCredentials{
		AuthenticationEndpoint: e.Origin + "/",
		MTLSEndpoint:           e.Origin + "/",
		ClientID:               sp.AppID,
		ClientSecret:           base64.StdEncoding.EncodeToString(secret),
		TenantID:               e.Tenant,
		ObjectID:               sp.ObjectID,
		ResourceID:             resourceID,
		NotBefore:              from.Format(time.RFC3339),
		NotAfter:               until.Format(time.RFC3339),
		RenewAfter:             from.AddDate(0, 0, credentialRenewAfter).Format(time.RFC3339),
		CannotRenewAfter:       from.AddDate(0, 0, credentialRenewBefore).Format(time.RFC3339),
	}, nil
}

// refuse answers an error of the data plane, which has another form than Entra ID's.
func (e *Entra) refuse(w http.ResponseWriter, status int, code, message string) {
	e.answer(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

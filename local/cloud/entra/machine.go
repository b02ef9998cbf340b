package entra

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// MachinePrefix is the path of the endpoint at which machines get tokens of their managed
// identities. It is that of App Service, which the SDKs find by two variables: theirs for
// virtual machines is at an address of the link, on which no program can listen.
const MachinePrefix = "/machine-identity"

// MachineVariables are the environment with which a program on a machine finds the tokens
// of the machine's identities.
func (e *Entra) MachineVariables(machine string, identities []string) []string {
	at := url.Values{"machine": {strings.ToLower(machine)}, "identities": {strings.ToLower(strings.Join(identities, ","))}}
	return []string{"IDENTITY_ENDPOINT=" + e.Origin + MachinePrefix + "?" + at.Encode(), "IDENTITY_HEADER=" + e.machineSecret(at)}
}

// machineSecret proves that a request comes from the machine, and which identities it has.
func (e *Entra) machineSecret(at url.Values) string {
	mac := hmac.New(sha256.New, e.signer.key.D.Bytes())
	mac.Write([]byte(at.Encode()))
	return hex.EncodeToString(mac.Sum(nil))
}

// ServeMachines answers requests of machines for tokens.
func (e *Entra) ServeMachines(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	at := url.Values{"machine": query["machine"], "identities": query["identities"]}
	if !hmac.Equal([]byte(r.Header.Get("X-Identity-Header")), []byte(e.machineSecret(at))) {
		e.refuse(w, http.StatusUnauthorized, "Unauthorized", "The header X-IDENTITY-HEADER is not that of the machine.")
		return
	}
	sp, err := e.machineIdentity(r.Context(), strings.Split(query.Get("identities"), ","), query.Get("client_id"))
	if err != nil {
		e.refuse(w, http.StatusBadRequest, "InvalidRequest", "The machine has no such identity.")
		return
	}
	audience := strings.TrimSuffix(query.Get("resource"), "/")
	known, err := e.isResource(r.Context(), audience)
	if err == nil && !known {
		known = audience == e.hostOnly() // as clients of Cosmos DB name an account
	}
	if err != nil || !known {
		e.refuse(w, http.StatusBadRequest, "InvalidResource", "The resource is not known.")
		return
	}
	token, expires, err := e.issue(r.Context(), e.Tenant, sp, audience, byCertificate)
	if err != nil {
		e.refuse(w, http.StatusInternalServerError, "InternalServerError", "The token could not be made.")
		return
	}
	e.answer(w, http.StatusOK, map[string]any{"access_token": token, "expires_on": strconv.FormatInt(expires.Unix(), 10), "resource": audience, "token_type": "Bearer", "client_id": sp.AppID})
}

// hostOnly is the origin without its port.
func (e *Entra) hostOnly() string {
	u, err := url.Parse(e.Origin)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Hostname()
}

// machineIdentity is the one of a machine's identities with a client id, or the only one.
func (e *Entra) machineIdentity(ctx context.Context, identities []string, clientID string) (ServicePrincipal, error) {
	for _, id := range identities {
		sp, err := e.Identity(ctx, id)
		if err != nil {
			return sp, err
		}
		if arm.EqualFold(sp.AppID, clientID) || clientID == "" && len(identities) == 1 {
			return sp, nil
		}
	}
	return ServicePrincipal{}, errors.New("no such identity")
}

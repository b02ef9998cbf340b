package azure

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/arm"
)

// principal describes the identity of a token.
type principal string

const (
	clusterPrincipal principal = "the cluster's service principal"
	clusterIdentity  principal = "the cluster's identity"
	ourselves        principal = "the service's application"
)

// acting is a credential whose errors name its identity: those of Entra ID often do
// not.
type acting struct {
	azcore.TokenCredential
	as principal
	// id is the client or resource id, tenant that of the token.
	id, tenant string
}

func (a acting) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := a.TokenCredential.GetToken(ctx, o)
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) {
		err = &refusedToken{a, err}
	}
	return token, err
}

// refusedToken is the error of a credential for which Entra ID refused a token.
type refusedToken struct {
	acting
	err error
}

func (r *refusedToken) Error() string { return r.err.Error() }

func (r *refusedToken) Unwrap() error { return r.err }

var entraCode = regexp.MustCompile(`AADSTS\d+`)

// entraRefusal is the error with which Entra ID refused a token.
type entraRefusal struct {
	// code is AADSTS with a number, or else the OAuth error.
	code, sentence string
	status         int
}

// entraFault returns the refusal of Entra ID in err; nil if there is none.
func entraFault(err error) *entraRefusal {
	var refused *azidentity.AuthenticationFailedError
	if !errors.As(err, &refused) {
		return nil
	}
	text := refused.Error()
	r := &entraRefusal{}
	if refused.RawResponse != nil {
		r.status = refused.RawResponse.StatusCode
		r.code, text = oauthError(refused.RawResponse, text)
	}
	if code := entraCode.FindString(text); code != "" {
		r.code = code
		_, text, _ = strings.Cut(text, code)
	}
	r.sentence = firstSentence(strings.TrimLeft(text, ": "))
	return r
}

// oauthError parses the error of a response; text is the message if the response
// has none.
func oauthError(resp *http.Response, text string) (code, message string) {
	body, err := runtime.Payload(resp)
	if err != nil {
		return "", text
	}
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error != "" {
		return answer.Error, answer.Description
	}
	if faults := parseFaults(body, fault{}); len(faults) > 0 {
		return faults[0].code, faults[0].message
	}
	return "", entraCode.FindString(text)
}

var sentenceEnd = regexp.MustCompile(`[.!?](\s|$)`)

// firstSentence returns the first sentence of a text, scrubbed and bounded.
func firstSentence(text string) string {
	text = scrubbed(text)
	if end := sentenceEnd.FindStringIndex(text); end != nil {
		text = text[:end[0]+1]
	}
	return text
}

// passingEntraCodes are Entra ID's codes for temporary failures.
var passingEntraCodes = []string{"AADSTS90033", "AADSTS90024", "AADSTS90055", "AADSTS50196", "AADSTS7000216", "temporarily_unavailable", "server_error"}

// refusedByEntra explains why a token was refused, and who can correct it.
func (s Subject) refusedByEntra(r *entraRefusal, err error) (*arm.Error, outlook) {
	if r.status == http.StatusTooManyRequests || r.status == http.StatusRequestTimeout || r.status >= http.StatusInternalServerError || slices.Contains(passingEntraCodes, r.code) {
		return arm.ServiceUnavailable.Errorf("Entra ID could not answer (%s). Try again later.", firstOf(r.code, http.StatusText(r.status))), passes
	}
	var whose *refusedToken
	if !errors.As(err, &whose) {
		whose = &refusedToken{}
	}
	code, sentence := firstOf(r.code), r.sentence
	if sentence != "" {
		sentence = " Entra ID says: " + sentence
	}
	switch whose.as {
	case clusterPrincipal:
		remedy, view := principalRemedy(r.code)
		return arm.InvalidServicePrincipalCredentials.At(servicePrincipalTarget, "Entra ID refuses the service principal %s (%s). %s%s", whose.id, code, remedy, sentence), view
	case clusterIdentity:
		return arm.InvalidClusterMSIPermissions.At("identity", "Entra ID refuses the cluster's identity %s (%s). Check that it exists and may sign in.%s", whose.id, code, sentence), spreads
	case ourselves:
		if s.TenantID == "" || !arm.EqualFold(whose.tenant, s.TenantID) {
			break
		}
		return arm.InvalidResourceProviderPermissions.Errorf("Entra ID refuses the service's application in the tenant %s of the subscription (%s). "+
			"Register the resource provider again: az provider register --namespace Microsoft.RedHatOpenShift.%s", whose.tenant, code, sentence), spreads
	}
	return arm.InternalServerError.Errorf("Entra ID refuses the service itself (%s). Try again later; if it persists contact support.", code), spreads
}

// principalRemedy returns what to do about a refused service principal, and whether
// the refusal may be temporary: a new application or a new secret takes time to
// replicate.
func principalRemedy(code string) (remedy string, view outlook) {
	switch code {
	case "AADSTS700016":
		return "The application does not exist in the cluster's tenant: create it there, or give the cluster another one.", spreads
	case "AADSTS7000229":
		return "The application has no service principal in the cluster's tenant: create it with az ad sp create.", spreads
	case "AADSTS7000215":
		return "The client secret is wrong: send its value, not its id.", spreads
	case "AADSTS7000222":
		return "The client secret has expired: create a new one and update the cluster.", final
	case "AADSTS7000112":
		return "The application is disabled: enable it.", final
	case "AADSTS90002":
		return "Entra ID does not know the cluster's tenant: check the tenant of the subscription.", spreads
	case "AADSTS53003", "AADSTS53000", "AADSTS530003":
		return "A Conditional Access policy of the tenant blocks it: exclude the application from the policy.", spreads
	}
	return "Check the application, its secret and the tenant's policies.", spreads
}

// UnknownApplication reports whether err means that an application does not exist
// in its tenant.
func UnknownApplication(err error) bool {
	r := entraFault(err)
	return r != nil && r.code == "AADSTS700016"
}

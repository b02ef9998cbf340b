package azure_test

import (
	"github.com/aro-rp/aro/wait"

	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
)

const (
	managed = "aro-managed"
	client  = "11111111-1111-1111-1111-111111111111"
	subID   = "/subscriptions/" + subscription
)

// refusal is an error of the SDK as a service's answer makes it.
func refusal(path string, a answer) error {
	u, _ := url.Parse(origin + path)
	return fmt.Errorf("wrapped: %w", runtime.NewResponseError(reply(&http.Request{Method: http.MethodPut, URL: u}, a)))
}

func TestExplain(t *testing.T) {
	inManaged := subID + "/resourceGroups/ARO-Managed/providers/Microsoft.Network/loadBalancers/lb"
	inCustomers := subID + "/resourcegroups/customer/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
	denied := func(who, scope string) string {
		return `{"error":{"code":"AuthorizationFailed","message":"The client '` + who + `' with object id 'x' does not have authorization to perform action 'Microsoft.Network/a/write' over scope '` + scope + `' or the scope is invalid."}}`
	}
	tests := map[string]struct {
		why    string
		path   string
		answer answer
		code   arm.Code // zero: left alone
		again  bool
		says   string
		target string
	}{
		"role of the principal": {why: "roles take time to spread", path: inCustomers, answer: answer{status: 403, body: denied(client, inCustomers)},
			code: arm.InvalidServicePrincipalCredentials, again: true, says: "Microsoft.Network/a/write", target: "properties.servicePrincipalProfile"},
		"role of the service": {why: "the customer grants the service its role too", path: inCustomers, answer: answer{status: 403, body: denied("22222222", inCustomers)},
			code: arm.InvalidResourceProviderPermissions, again: true, says: "lacks a role", target: inCustomers},
		"role in the managed group": {why: "nothing of it is the customer's to grant", path: inManaged, answer: answer{status: 403, body: denied(client, inManaged)},
			code: arm.InternalServerError, again: true, says: managed},
		"linked scope": {why: "what lacks is at the linked scope", path: inManaged,
			answer: answer{status: 403, body: `{"error":{"code":"LinkedAuthorizationFailed","message":"The client '` + client + `' has permission to perform action 'w' on scope '` + inManaged + `'; however, it does not have permission to perform action(s) 'join' on the linked scope(s) '` + inCustomers + `' or the linked scope(s) are invalid."}}`},
			code:   arm.InvalidServicePrincipalCredentials, again: true, says: "join"},
		"template authorization": {why: "deployments say it in other words", path: inCustomers,
			answer: answer{status: 400, body: `{"error":{"code":"InvalidTemplateDeployment","message":"Deployment failed with multiple errors: 'Authorization failed for template resource 'x' of type 'y'. The client '` + client + `' ...'."}}`},
			code:   arm.InvalidServicePrincipalCredentials, again: true},
		"policy": {why: "the customer's administrators named it", path: inCustomers,
			answer: answer{status: 403, body: `{"error":{"code":"RequestDisallowedByPolicy","target":"vnet","message":"Resource 'vnet' was disallowed by policy.","additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionDisplayName":"No subnets","policyAssignmentName":"a1","policyAssignmentDisplayName":"Network rules"}}]}}`},
			code:   arm.RequestDisallowedByPolicy, says: `policy "No subnets" assigned as "Network rules"`, target: "vnet"},
		"policy inside a deployment": {why: "the reason is nested", path: inManaged,
			answer: answer{status: 400, body: `{"error":{"code":"InvalidTemplateDeployment","message":"The template deployment failed because of policy violation.","details":[{"code":"RequestDisallowedByPolicy","target":"lb","message":"m","additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionName":"d","policyAssignmentName":"a"}}]}]}}`},
			code:   arm.RequestDisallowedByPolicy, says: `policy "d" assigned as "a"`},
		"throttled": {why: "it goes away", path: inCustomers, answer: answer{status: 429, body: `{"error":{"code":"SubscriptionRequestsThrottled","message":"m"}}`},
			code: arm.TooManyRequests, again: true},
		"another operation": {why: "it ends", path: inCustomers, answer: answer{status: 409, body: `{"error":{"code":"AnotherOperationInProgress","message":"m"}}`},
			code: arm.ServiceUnavailable, again: true},
		"asked to retry": {why: "Azure says so", path: inCustomers, answer: answer{status: 409, header: map[string]string{"Retry-After": "9"}, body: `{"error":{"code":"X","message":"m"}}`},
			code: arm.ServiceUnavailable, again: true},
		"down": {why: "it comes back", path: inCustomers, answer: answer{status: 503, body: `<html>`}, code: arm.ServiceUnavailable, again: true},
		"quota": {why: "only the customer can raise it", path: inManaged, answer: answer{status: 409, body: `{"error":{"code":"OperationNotAllowed","message":"Operation could not be completed as it results in exceeding approved Total Regional Cores quota."}}`},
			code: arm.ResourceQuotaExceeded, says: "Total Regional Cores"},
		"public ips": {why: "a quota of its own", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"PublicIPCountLimitReached","message":"Cannot create more than 3 public IP addresses"}}`},
			code: arm.ResourceQuotaExceeded},
		"lock": {why: "the customer locked it", path: inManaged, answer: answer{status: 409, body: `{"error":{"code":"ScopeLocked","message":"The scope '` + inManaged + `' cannot perform delete operation because following scope(s) are locked: '` + inManaged + `'."}}`},
			code: arm.ScopeLocked, target: inManaged},
		"subnet in use":      {why: "the customer uses it", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"InUseSubnetCannotBeDeleted","message":"m"}}`}, code: arm.InUseSubnetCannotBeDeleted, again: true},
		"address in use":     {why: "what uses it may be about to go", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"PublicIPAddressCannotBeDeleted","message":"m"}}`}, code: arm.ResourceInUse, again: true, says: "PublicIPAddressCannotBeDeleted"},
		"group in use":       {why: "it is no subnet", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"InUseNetworkSecurityGroupCannotBeDeleted","message":"m"}}`}, code: arm.ResourceInUse, again: true},
		"reserved interface": {why: "for minutes after its machine went", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"NicReservedForAnotherVm","message":"m"}}`}, code: arm.ResourceInUse, again: true},
		"balancer in use": {why: "the customer linked it", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"CannotDeleteLoadBalancerWithPrivateLinkService","message":"m"}}`},
			code: arm.CannotDeleteLoadBalancerWithPrivateLinkService},
		"graph": {why: "a principal spreads slowly", path: "/graph/v1.0/servicePrincipals", answer: answer{status: 401, body: `{"error":{"code":"Authorization_IdentityNotFound","message":"The identity of the calling application could not be established."}}`},
			code: arm.InvalidServicePrincipalCredentials, again: true, says: "Authorization_IdentityNotFound"},
		"old graph":      {why: "the old shape", path: "/x", answer: answer{status: 403, body: `{"odata.error":{"code":"Authorization_RequestDenied","message":{"lang":"en","value":"Insufficient privileges"}}}`}, code: arm.InvalidServicePrincipalCredentials, says: "Insufficient privileges"},
		"not registered": {why: "the customer registers providers", path: inCustomers, answer: answer{status: 409, body: `{"error":{"code":"MissingSubscriptionRegistration","message":"m"}}`}, code: arm.ResourceProviderNotRegistered},
		"new principal":  {why: "it spreads", path: inCustomers, answer: answer{status: 400, body: `{"error":{"code":"PrincipalNotFound","message":"m"}}`}, code: arm.InvalidServicePrincipalCredentials, again: true},
		"storage":        {why: "the service grants itself this role", path: "/account/container", answer: answer{status: 403, header: map[string]string{"X-Ms-Error-Code": "AuthorizationPermissionMismatch"}, body: "<?xml"}, code: arm.InternalServerError, again: true},
		"unknown":        {why: "ours", path: inCustomers, answer: answer{status: 400, body: `{"error":{"code":"BadTaste","message":"m"}}`}},
		"not found":      {why: "the step knows what it means", path: inCustomers, answer: answer{status: 404, body: `{"error":{"code":"ResourceNotFound","message":"m"}}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := refusal(test.path, test.answer)
			err := azure.Explain(in, azure.Subject{ManagedGroup: managed, ClientID: client})
			if test.code.Name == "" {
				if err != in { //nolint:errorlint // the very same
					t.Fatalf("%s: got %v, want it unchanged", test.why, err)
				}
				return
			}
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code.Name != test.code.Name || typed.Code.Status != test.code.Status {
				t.Fatalf("%s: got %v, want %s", test.why, err, test.code.Name)
			}
			if !strings.Contains(typed.Message, test.says) || test.target != "" && typed.Target != test.target {
				t.Errorf("%s: target %q, message %q, want %q and %q", test.why, typed.Target, typed.Message, test.target, test.says)
			}
			if again := fmt.Sprintf("%T", err) == fmt.Sprintf("%T", wait.Again(typed)); again != test.again {
				t.Errorf("%s: tried again: %v, want %v", test.why, again, test.again)
			}
			if !errors.Is(err, errors.Unwrap(in)) {
				t.Errorf("%s: the cause is lost to the log", test.why)
			}
		})
	}
}

func TestTheStepWaitsAsLongAsAzureAsks(t *testing.T) {
	for asked, want := range map[string]time.Duration{"300": 5 * time.Minute, "": 0, "soon": 0} {
		in := refusal(subID+"/x", answer{status: 429, header: map[string]string{"Retry-After": asked}, body: `{"error":{"code":"SubscriptionRequestsThrottled","message":"m"}}`})
		got := azure.Explain(in, azure.Subject{})
		var typed *arm.Error
		if !errors.As(got, &typed) || !reflect.DeepEqual(got, wait.AgainAfter(want, typed)) {
			t.Errorf("Retry-After %q: got %#v, want to be tried again after %s", asked, got, want)
		}
	}
}

func TestExplainLeavesAloneWhatIsExplained(t *testing.T) {
	for _, err := range []error{nil, arm.DuplicateDomain.Errorf("x"), wait.Again(arm.TooManyRequests.Errorf("x")), errors.New("x"), t.Context().Err()} {
		if got := azure.Explain(err, azure.Subject{}); got != err { //nolint:errorlint // the very same
			t.Errorf("got %v, want %v", got, err)
		}
	}
}

func TestEntraRefusals(t *testing.T) {
	tests := map[string]struct {
		why, client string
		description string
		again, ours bool
		says        string
	}{
		"unknown app":  {why: "it may spread", client: client, description: "AADSTS700016: Application with identifier '" + client + "' was not found in the directory", again: true, says: "does not exist"},
		"bad secret":   {why: "a new one spreads", client: client, description: "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, for a secret added to app '" + client + "'.", again: true, says: "secret is wrong"},
		"expired":      {why: "time does not cure it", client: client, description: "AADSTS7000222: The provided client secret keys for app '" + client + "' are expired.", says: "expired"},
		"another's":    {why: "the service's own trouble is not the customer's", client: client, description: "AADSTS7000222: The provided client secret keys for app 'other' are expired.", ours: true},
		"no principal": {why: "a workload identity cluster has none", description: "AADSTS700016: Application with identifier 'x' was not found", ours: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.on("GET /"+tenant+"/v2.0/.well-known/openid-configuration", answer{status: 200, body: discovery})
			s.on("POST /"+tenant+"/oauth2/v2.0/token", answer{status: 401, body: `{"error":"invalid_client","error_description":"` + test.description + `"}`})
			cred, err := s.azure.ServicePrincipal(tenant, client, "hunter2")
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.azure.Token(t.Context(), cred)
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("got %v, want an error without the secret", err)
			}
			explained := azure.Explain(err, azure.Subject{ClientID: test.client})
			var typed *arm.Error
			if test.ours {
				if errors.As(explained, &typed) {
					t.Errorf("%s: got %v", test.why, explained)
				}
				return
			}
			if !arm.InvalidServicePrincipalCredentials.Is(explained) || !errors.As(explained, &typed) || !strings.Contains(typed.Message, test.says) {
				t.Fatalf("%s: got %v, want %q", test.why, explained, test.says)
			}
			if again := explained != error(typed); again != test.again { //nolint:errorlint // wrapped it is tried again
				t.Errorf("%s: tried again: %v, want %v", test.why, again, test.again)
			}
		})
	}
}

const discovery = `{"token_endpoint":"` + origin + `/` + tenant + `/oauth2/v2.0/token","authorization_endpoint":"` + origin + `/` + tenant + `/oauth2/v2.0/authorize","issuer":"` + origin + `/` + tenant + `/v2.0"}`

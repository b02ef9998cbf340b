package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/wait"
)

// TestTheServiceDeploysAgainWhatFailedInPassing runs the service's own deployments,
// and what it makes of their faults, against resources that are accepted and fail
// later: what passes has the step try again, and the next deployment mends it. It
// follows them by addresses as long as Azure's.
func TestTheServiceDeploysAgainWhatFailedInPassing(t *testing.T) {
	w := newFixture(t, cloud.Options{SignOperations: true})
	w.group("g")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found, err := azure.FindCloud(ctx, w.Origin, w.Client())
	if err != nil {
		t.Fatal(err)
	}
	service, err := azure.New(azure.Options{Cloud: found, Environment: &environment.Environment{Mode: environment.Test, TenantID: cloud.TenantID}, Transport: w.Client(), Service: w.demo()})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := service.Clients(cloud.CustomerSubscription, w.demo())
	if err != nil {
		t.Fatal(err)
	}
	for code, test := range map[string]struct {
		why    string
		passes bool
		want   arm.Code
	}{
		"StorageAccountOperationInProgress": {why: "another change of the account ends", passes: true, want: arm.ServiceUnavailable},
		"InternalServerError":               {why: "Azure broke, and mends itself", passes: true, want: arm.ServiceUnavailable},
		"VMStartTimedOut":                   {why: "the machine is made anew", passes: true, want: arm.DeploymentFailed},
		"OSProvisioningTimedOut":            {why: "the machine is made anew", passes: true, want: arm.DeploymentFailed},
		"QuotaExceeded":                     {why: "only the customer can raise it", want: arm.ResourceQuotaExceeded},
		"OddReason":                         {why: "it is unknown, and it is reported", want: arm.DeploymentFailed},
	} {
		t.Run(code, func(t *testing.T) {
			name := strings.ToLower(code)
			if _, err := w.SetFault(ctx, cloud.Fault{Name: name, Match: cloud.FaultMatch{Path: "snapshots/" + name + "$"}, Count: 1,
				Action: cloud.FaultAction{Kind: "failLater", Code: code, Message: "Not this time.", Milliseconds: 20}}); err != nil {
				t.Fatal(err)
			}
			deploy := func() error {
				kept := tokens{}
				for {
					_, err := clients.Deploy(ctx, kept, "g", name, func() (azure.Template, error) {
						return azure.Template{Body: object{"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
							"resources": []any{object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": name, "location": "eastus", "properties": object{}}}}}, nil
					})
					var pending *wait.Pending
					if !errors.As(err, &pending) {
						return azure.Explain(err, azure.Subject{ManagedGroup: "g", Patience: time.Minute})
					}
					time.Sleep(pending.After)
				}
			}
			err := deploy()
			var typed *arm.Error
			var again *wait.Retryable
			errors.As(err, &again)
			if !errors.As(err, &typed) || typed.Code != test.want || (again != nil && again.Within == 0) != test.passes {
				t.Fatalf("%s: got %v (%+v), want %s, passing %t", test.why, err, again, test.want.Name, test.passes)
			}
			if said := fmt.Sprint(typed.Body()); !strings.Contains(said, code) {
				t.Errorf("the customer is not told the code: %s", said)
			}
			if err := deploy(); err != nil {
				t.Errorf("%s: the second time: %v", test.why, err)
			}
		})
	}
}

// tokens is what a step keeps of the operations that it has begun.
type tokens map[string]string

func (k tokens) Token(name string) string { return k[name] }

func (k tokens) Keep(name, token string) { k[name] = token }

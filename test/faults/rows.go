package faults

import (
	"cmp"
	"net/http"
)

// Targets that occur more than once.
const (
	principal = "properties.servicePrincipalProfile"
	registry  = `properties.platformWorkloadIdentityProfile.platformWorkloadIdentities["image-registry"]`
)

// hang is a control plane that stops after a step.
func hang(step, after string) Fault {
	return Fault{Step: step, What: "the control plane hangs", Stop: after, Code: "StepTimedOut"}
}

// busy is a vault that throttles.
func busy(step, method, path string) Fault {
	return Fault{Step: step, What: "the vault throttles", Calls: &Calls{Method: method, Path: path, Answer: throttled}, Code: "ThrottlingLimitExceeded"}
}

// expired is a client secret that expires right after its validation, which uses a
// token for Azure and one for Microsoft Graph.
func expired(step string) Fault {
	return Fault{Step: step, What: "the client secret expires", Code: "InvalidServicePrincipalCredentials", Target: principal,
		Calls: &Calls{Method: "POST", Path: "/oauth2/v2.0/token$", Nth: 3, ByPrincipal: true,
			Answer: fail(http.StatusUnauthorized, "invalid_client", "AADSTS7000222: The provided client secret keys are expired.")}}
}

// booting are faults of clusters whose machines boot.
func booting(faults []Fault) []Fault {
	for i := range faults {
		faults[i].Boots = true
	}
	return faults
}

// on are faults that meet a kind of cluster.
func on(kind Kind, faults []Fault) []Fault {
	for i := range faults {
		faults[i].On = kind
	}
	return faults
}

// all are faults of a plan.
func all(plan string, lists ...[]Fault) (faults []Fault) {
	for _, list := range lists {
		for _, f := range list {
			f.Plan, f.On = plan, cmp.Or(f.On, Classic)
			faults = append(faults, f)
		}
	}
	return faults
}

// Package serviceprincipalchecker reports whether the cluster's identity in Azure is still valid.
package serviceprincipalchecker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// invalid are the codes of Entra ID for a secret that is wrong or expired, and for
// an application that does not exist.
var invalid = []string{"AADSTS7000215", "AADSTS7000222", "AADSTS700016"}

// tooMuch is a right that the identity must not have.
const tooMuch = "Application.ReadWrite.OwnedBy"

const again = time.Hour

// GraphToken requests a token for Microsoft Graph from the identity provider of a cloud.
type GraphToken func(ctx context.Context, azEnvironment string) (string, error)

// New is the controller.
func New(token GraphToken) controller.Spec {
	c := checker{token}
	return controller.Spec{
		Name: "ServicePrincipalChecker",
		Summary: "Fetches a token for Microsoft Graph as the operator's own identity, once an hour and whenever `kube-system/azure-credentials` changes. The condition is False " +
			"where Entra ID refuses the credentials, and Unknown where it cannot be asked.",
		Flag:    flags.Checker,
		Watches: []controller.Watch{{Kind: corev1.SchemeGroupVersion.WithKind("Secret"), Namespace: "kube-system", Name: "azure-credentials"}},
		Reports: controller.FindingOrUnknown, Condition: "ServicePrincipalValid",
		Reconcile: c.reconcile,
	}
}

type checker struct{ token GraphToken }

func (c checker) reconcile(ctx context.Context, r *controller.Request) error {
	err := c.check(ctx, r.Cluster.Spec.AZEnvironment)
	switch {
	case err == nil:
		r.Report(operatorv1.ConditionTrue, "Validation Successful", "The identity is valid")
		r.Again(again)
	case slices.ContainsFunc(invalid, func(code string) bool { return strings.Contains(err.Error(), code) }):
		r.Report(operatorv1.ConditionFalse, "Service Principal invalid", err.Error())
	default:
		r.Report(operatorv1.ConditionUnknown, "Validation Unavailable", err.Error())
	}
	return err
}

func (c checker) check(ctx context.Context, azEnvironment string) error {
	token, err := c.token(ctx, azEnvironment)
	if err != nil {
		return err
	}
	roles, err := rolesOf(token)
	if err != nil {
		return err
	}
	if slices.Contains(roles, tooMuch) {
		return errors.New("the identity has the right " + tooMuch + ", which it must not have")
	}
	return nil
}

// rolesOf reads a token without verifying it: it came over TLS from who made it.
func rolesOf(token string) ([]string, error) {
	broken := errors.New("the token of Entra ID cannot be read") // without what it says
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, broken
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, broken
	}
	var content struct {
		Roles []string `json:"roles"`
	}
	if json.Unmarshal(claims, &content) != nil {
		return nil, broken
	}
	return content.Roles, nil
}

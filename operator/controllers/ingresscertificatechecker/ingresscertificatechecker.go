// Package ingresscertificatechecker reports whether the default router presents the expected
// certificate.
package ingresscertificatechecker

import (
	"context"
	"fmt"
	"strings"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace, name = "openshift-ingress-operator", "default"
	again           = time.Hour
)

// managed are the ends of the domains that the service gives to clusters.
var managed = []string{".aroapp.io", ".aroapp.azure.us"}

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "IngressCertificateChecker",
		Summary: "Compares the certificate of the default IngressController with what the service made: `<cluster id>-ingress` in domains of the service. In a domain of the " +
			"customer's any certificate is right, but there must be one.",
		Flag:    flags.Checker,
		Release: true,
		Watches: []controller.Watch{{Kind: operatorv1.GroupVersion.WithKind("IngressController"), Namespace: namespace, Name: name, Spec: true}},
		Reports: controller.FindingOrUnknown, Condition: "DefaultIngressCertificate",
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	fault, expected, err := check(ctx, r)
	switch {
	case err != nil:
		r.Report(operatorv1.ConditionFalse, "CheckFailed", err.Error())
		return err
	case fault == "":
		r.Report(operatorv1.ConditionTrue, "CheckDone", "The default certificate is as it should be")
	default:
		r.Report(operatorv1.ConditionFalse, "CheckFailed", fault)
		if !expected {
			return fmt.Errorf("default certificate: %s", fault)
		}
	}
	r.Again(again)
	return nil
}

// check returns what is wrong, and whether it is the customer's to put right.
func check(ctx context.Context, r *controller.Request) (fault string, expected bool, err error) {
	cv, err := r.ClusterVersion(ctx)
	if err != nil {
		return "", false, err
	}
	router := &operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := r.Read(ctx, router); err != nil {
		return "", false, err
	}
	ours := false
	for _, suffix := range managed {
		ours = ours || strings.HasSuffix(r.Cluster.Spec.Domain, suffix)
	}
	want := string(cv.Spec.ClusterID) + "-ingress"
	switch have := router.Spec.DefaultCertificate; {
	case have == nil && ours:
		return "there is none, want " + want, false, nil
	case have == nil:
		return "there is none; the customer's domain needs the customer's certificate", true, nil
	case ours && have.Name != want:
		return fmt.Sprintf("it is %s, want %s", have.Name, want), false, nil
	default:
		return "", false, nil
	}
}

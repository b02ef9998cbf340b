// Package clusterdnschecker reports whether the cluster's DNS is set up so that it works.
package clusterdnschecker

import (
	"context"
	"slices"
	"strings"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	name  = "default"
	again = time.Hour
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "ClusterDNSChecker",
		Summary: "Reads the DNS `default`. Upstream servers for zones of the customer's are fine, and listed; a server for the zone `.` is not, because it stops the " +
			"rollout of CoreDNS.",
		Flag:    flags.Checker,
		Watches: []controller.Watch{{Kind: operatorv1.GroupVersion.WithKind("DNS"), Name: name, Spec: true}},
		Reports: controller.FindingOrUnknown, Condition: "DefaultClusterDNS",
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	dns := &operatorv1.DNS{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := r.Read(ctx, dns); err != nil {
		r.Report(operatorv1.ConditionFalse, "CheckFailed", err.Error())
		return err
	}
	r.Again(again)
	var upstreams []string
	for _, server := range dns.Spec.Servers {
		if slices.Contains(server.Zones, ".") {
			r.Report(operatorv1.ConditionFalse, "CheckDone", "DNS default forwards the zone \".\" ("+server.Name+"), which stops the rollout of CoreDNS: remove the zone from it")
			return nil
		}
		upstreams = append(upstreams, server.ForwardPlugin.Upstreams...)
	}
	message := "There are no upstream servers for zones"
	if len(upstreams) > 0 {
		message = "There are upstream servers for zones: " + strings.Join(upstreams, ", ")
	}
	r.Report(operatorv1.ConditionTrue, "CheckDone", message)
	return nil
}

// Package banner shows the service's messages in the cluster's console.
package banner

import (
	"context"
	"fmt"

	consolev1 "github.com/openshift/api/console/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// name is the notification's.
const name = "openshift-aro-sre"

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name:    "Banner",
		Summary: "Shows the message that `spec.banner.content` names at the top of the console, and removes it when none is named. Only the text is kept; other members of the notification may be changed.",
		Flag:    flags.Banner,
		Watches: []controller.Watch{{Kind: consolev1.GroupVersion.WithKind("ConsoleNotification"), Name: name}},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("create", consolev1.GroupName, "consolenotifications")},
			{PolicyRule: controller.ResourceRule("delete patch", consolev1.GroupName, "consolenotifications", name)},
		},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	banner := &consolev1.ConsoleNotification{ObjectMeta: metav1.ObjectMeta{Name: name}}
	switch content := r.Cluster.Spec.Banner.Content; content {
	case arov1alpha1.BannerDisabled:
		_, err := r.Remove(ctx, banner)
		return err
	case arov1alpha1.BannerContactSupport:
		return show(ctx, r, banner)
	default:
		return fmt.Errorf("spec.banner.content %q names no message", content)
	}
}

func show(ctx context.Context, r *controller.Request, banner *consolev1.ConsoleNotification) error {
	text := "The team that operates this cluster needs to talk to you: please contact support and quote " + r.Cluster.Spec.ResourceID
	err := r.Change(ctx, banner, func() error { banner.Spec.Text = text; return nil })
	if !apierrors.IsNotFound(err) {
		return err
	}
	banner.Spec = consolev1.ConsoleNotificationSpec{Text: text, Location: consolev1.BannerTop, Color: "#000", BackgroundColor: "#ff0"}
	return r.Make(ctx, banner)
}

// Package imageconfig keeps the service's registries usable whatever registries the
// customer allows or blocks.
package imageconfig

import (
	"context"
	"errors"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/arm"
	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const name = "cluster"

// suffixes are those of registries, by the Azure cloud.
var suffixes = map[string]string{"AzurePublicCloud": "azurecr.io", "AzureUSGovernmentCloud": "azurecr.us"}

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "ImageConfig",
		Summary: "Adds the service's registry and its data endpoint to the allowed registries of Image `cluster`, and takes them out of the blocked ones. Writes no list that " +
			"the customer has not set; an empty one is set.",
		Flag:      flags.ImageConfig,
		Watches:   []controller.Watch{{Kind: configv1.GroupVersion.WithKind("Image"), Name: name, Spec: true}},
		Rules:     []controller.Rule{{PolicyRule: controller.ResourceRule("patch", configv1.GroupName, "images", name)}},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

// required are the service's registries; none where they are not known.
func required(c arov1alpha1.ClusterSpec) []string {
	suffix := suffixes[c.AZEnvironment]
	registry, _, _ := strings.Cut(c.ACRDomain, ".")
	if suffix == "" || registry == "" || c.Location == "" {
		return nil
	}
	return []string{c.ACRDomain, registry + "." + c.Location + ".data." + suffix}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	ours := required(r.Cluster.Spec)
	if len(ours) == 0 {
		return nil
	}
	image := &configv1.Image{ObjectMeta: metav1.ObjectMeta{Name: name}}
	return r.Change(ctx, image, func() error {
		sources := &image.Spec.RegistrySources
		if sources.AllowedRegistries != nil && sources.BlockedRegistries != nil {
			return errors.New("the Image cluster both allows and blocks registries, of which only one is possible: remove either list")
		}
		if sources.AllowedRegistries != nil && !slices.Equal(last(sources.AllowedRegistries, len(ours)), ours) {
			sources.AllowedRegistries = append(without(sources.AllowedRegistries, ours), ours...)
		}
		if sources.BlockedRegistries != nil {
			sources.BlockedRegistries = without(sources.BlockedRegistries, ours)
		}
		return nil
	})
}

func last(list []string, n int) []string { return list[max(0, len(list)-n):] }

// without returns list without the items of some, ignoring case.
func without(list, some []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(item string) bool {
		return slices.ContainsFunc(some, func(s string) bool { return arm.EqualFold(s, item) })
	})
}

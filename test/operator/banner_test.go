package operator

import (
	"strings"
	"testing"

	consolev1 "github.com/openshift/api/console/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controllers/banner"
	"github.com/aro-rp/aro/operator/flags"
)

func TestBanner(t *testing.T) {
	w := newFixture(t)
	note := &consolev1.ConsoleNotification{ObjectMeta: metav1.ObjectMeta{Name: "openshift-aro-sre"}}
	w.cleans(note)
	c := w.cluster(flag(flags.Banner, "true"), func(c *arov1alpha1.Cluster) { c.Spec.Banner.Content = arov1alpha1.BannerContactSupport })
	w.run(banner.New())
	quotes := func(n *consolev1.ConsoleNotification) bool { return strings.Contains(n.Spec.Text, c.Spec.ResourceID) }
	becomes(w, note, "the banner quotes the cluster", quotes)
	edit(w, note, func(n *consolev1.ConsoleNotification) {
		n.Spec.Text, n.Spec.Location = "hacked", consolev1.BannerBottom
	})
	becomes(w, note, "the text is restored", quotes)
	if note.Spec.Location != consolev1.BannerBottom {
		t.Errorf("only the text is ours, but the location is %s", note.Spec.Location)
	}
	if err := w.Delete(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	becomes(w, note, "the banner is made again", quotes)

	edit(w, c, func(c *arov1alpha1.Cluster) {
		c.Spec.OperatorFlags[string(flags.Banner)] = "false"
		c.Spec.Banner.Content = ""
	})
	w.quiet()
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(note), note); err != nil {
		t.Errorf("with the flag off the banner is left alone: %v", err)
	}
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.OperatorFlags[string(flags.Banner)] = "TRUE" })
	w.disappears(note)
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.Banner.Content = "WRONG" })
	w.eventually("the wrong content is named in the log", func() error { return w.logged("WRONG") })
}

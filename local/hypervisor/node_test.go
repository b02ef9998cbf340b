package hypervisor

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestKubeletIsThatOfTheImagesRelease(t *testing.T) {
	for sku, want := range map[string]string{"aro_419": "v1.32.1", "419-v2": "v1.32.1", "aro_417": "v1.30.1", "": "v1.34.1", "ubuntu": "v1.34.1"} {
		if got := kubeletVersion(sku); got != want {
			t.Errorf("image %q has kubelet %s, want %s", sku, got, want)
		}
	}
}

func TestCapacityFollowsFromTheSize(t *testing.T) {
	for size, want := range map[string]struct{ cores, gib int64 }{
		"Standard_D8s_v5": {8, 32}, "Standard_E4s_v5": {4, 32}, "standard_f16s_v2": {16, 32}, "Standard_L8s": {8, 64}, "odd": {4, 16},
	} {
		got := capacityOf(VM{Size: size, DiskGB: 128})
		if got.Cpu().Value() != want.cores || got.Memory().Value() != want.gib<<30 || got.StorageEphemeral().Value() != 128<<30 {
			t.Errorf("%s has %v", size, got)
		}
	}
}

func TestMachineResolvesWhatItsFilesSay(t *testing.T) {
	var h hosts
	h.add("# comment\n10.0.0.4 api-int.demo.test API.demo.test # both\nnonsense api.other.test\n")
	h.addDomains("no-hosts\naddress=/.apps.demo.test/10.0.0.9\naddress=/one.test/two.test/10.0.0.8\naddress=/bad.test/nowhere\n")
	for address, want := range map[string]string{
		"api-int.demo.test:6443": "10.0.0.4:6443", "api.demo.test.:6443": "10.0.0.4:6443", "console.apps.demo.test:443": "10.0.0.9:443",
		"apps.demo.test:443": "10.0.0.9:443", "deep.two.test:1": "10.0.0.8:1", "api.other.test:6443": "api.other.test:6443",
		"bad.test:1": "bad.test:1", "10.0.0.7:22": "10.0.0.7:22", "no port": "no port",
	} {
		if got := h.resolve(address); got != want {
			t.Errorf("%s resolves to %s, want %s", address, got, want)
		}
	}
}

func TestConditionKeepsSinceWhenItHolds(t *testing.T) {
	before := time.Now().Add(-time.Hour)
	all := healthy(before, true)
	ready := func() corev1.NodeCondition { return all[len(all)-1] }
	for _, condition := range healthy(time.Now(), true) {
		all = setCondition(all, condition)
	}
	if since := ready().LastTransitionTime; !since.Equal(&metav1.Time{Time: before}) {
		t.Errorf("ready since %s, want since %s", since, before)
	}
	for _, condition := range healthy(time.Now(), false) {
		all = setCondition(all, condition)
	}
	if len(all) != 4 || ready().Status != corev1.ConditionFalse || time.Since(ready().LastTransitionTime.Time) > time.Minute {
		t.Errorf("%+v", ready())
	}
}

func TestCertificateIsOldAfterFourFifthsOfItsLife(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		before, after time.Duration
		old, valid    bool
	}{
		"young":   {-time.Hour, 9 * time.Hour, false, true},
		"old":     {-9 * time.Hour, time.Hour, true, true},
		"expired": {-9 * time.Hour, -time.Hour, true, false},
	} {
		i := identity{Certificate: []byte("x"), NotBefore: now.Add(test.before), NotAfter: now.Add(test.after)}
		if i.old(now) != test.old || i.valid(now) != test.valid {
			t.Errorf("%s: old %v, valid %v", name, i.old(now), i.valid(now))
		}
	}
	if (identity{}).valid(now) {
		t.Error("no certificate is valid")
	}
}

package cluster

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
)

func plans() map[model.OperationKind][]Step {
	return Plans(Dependencies{Env: &environment.Environment{Domain: "eastus.aroapp.test"}})
}

func TestPlansAreValid(t *testing.T) {
	for kind, steps := range plans() {
		if err := pipeline.Validate(steps); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// names are the steps of a plan that are for a cluster.
func names(kind model.OperationKind, c *model.Cluster) (list []string) {
	for _, step := range plans()[kind] {
		if step.Only == nil || step.Only(c) {
			list = append(list, step.Name)
		}
	}
	return list
}

func TestWhatIsDoneDependsOnTheCluster(t *testing.T) {
	principal, workload, custom, routed := &model.Cluster{}, &model.Cluster{}, &model.Cluster{}, &model.Cluster{}
	for _, c := range []*model.Cluster{principal, custom, routed} {
		c.Properties.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "x"}
	}
	principal.Properties.ClusterProfile.Domain, workload.Properties.ClusterProfile.Domain, routed.Properties.ClusterProfile.Domain = "one", "one", "one"
	workload.Properties.PlatformWorkloadIdentityProfile = &model.PlatformWorkloadIdentityProfile{}
	custom.Properties.ClusterProfile.Domain = "one.example.com"
	custom.Properties.NetworkProfile.PreconfiguredNSG = model.Enabled
	routed.Properties.NetworkProfile.OutboundType = model.UserDefinedRouting
	for _, c := range []*model.Cluster{workload, custom} {
		c.Internal.InfraID = "one-x7k2p"
	}
	tests := map[string]struct {
		cluster       *model.Cluster
		kind          model.OperationKind
		with, without []string
	}{
		"service principal": {principal, model.Create, []string{"find service principal", "reserve domain", "attach security group", "order certificates", "choose outbound addresses"},
			[]string{"fetch cluster identity", "choose token issuer", "federate identities", "remove file storage class"}},
		"workload identity": {workload, model.Create, []string{"fetch cluster identity", "choose token issuer", "federate identities", "remove file storage class"}, []string{"find service principal"}},
		"own domain":        {custom, model.Create, nil, []string{"reserve domain", "attach security group", "order certificates"}},
		"routed":            {routed, model.Update, []string{"secrets of the service principal"}, []string{"outbound addresses", "choose outbound addresses", "secrets of identities"}},
		"workload update":   {workload, model.Update, []string{"roles of identities", "federate identities", "secrets of identities"}, []string{"roles of the service principal", "secrets of the service principal"}},
		"nothing made":      {principal, model.Delete, []string{"end billing"}, []string{"restore rights", "remove domain", "remove link to the API", "remove roles", "remove resources", "remove certificates"}},
		"own domain gone":   {custom, model.Delete, []string{"remove resources", "end billing"}, []string{"remove domain", "remove certificates", "forget cluster identity"}},
	}
	for name, test := range tests {
		steps := names(test.kind, test.cluster)
		for _, want := range test.with {
			if !slices.Contains(steps, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		for _, not := range test.without {
			if slices.Contains(steps, not) {
				t.Errorf("%s has %q", name, not)
			}
		}
	}
}

func TestEveryMaintenanceTaskHasSteps(t *testing.T) {
	for _, task := range append(model.MaintenanceTasks(), "OfANewerRelease") {
		c := &model.Cluster{}
		c.Internal.MaintenanceTask = task
		steps := names(model.AdminUpdate, c)
		if known := task != "OfANewerRelease"; known != (len(steps) > 2) || known == slices.Contains(steps, "find task") {
			t.Errorf("%s has the steps %v", task, steps)
		}
		if task == model.CertificatesRenewal && slices.Contains(steps, "record build") {
			t.Errorf("%s vouches for more than it does", task)
		}
	}
}

func TestARenewalOfTheKubeconfigAsksNothingOfTheCluster(t *testing.T) {
	c := &model.Cluster{}
	c.Internal.MaintenanceTask = model.KubeconfigRenewal
	if steps := names(model.AdminUpdate, c); !slices.Equal(steps, []string{"user's kubeconfig"}) {
		t.Errorf("its steps are %v", steps)
	}
}

func TestNamesAreChosenOnce(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, func(c *model.Cluster) {
		c.Internal.InfraID, c.Internal.StorageSuffix, c.Internal.ImageRegistryStorageAccount = "", "", ""
	})
	s.must(s.do(s.chooseNames, w))
	first := w.Resource().Internal
	s.must(s.do(s.chooseNames, w))
	second := w.Resource().Internal
	if first.InfraID != second.InfraID || first.SSHKey != second.SSHKey || first.StorageSuffix != second.StorageSuffix {
		t.Error("a repetition chose other names")
	}
	if !regexp.MustCompile(`^[0-9b-df-hj-np-tv-z]{10}$`).MatchString(first.StorageSuffix) || first.ImageRegistryStorageAccount != "imageregistry"+first.StorageSuffix {
		t.Errorf("storage is named %q and %q", first.StorageSuffix, first.ImageRegistryStorageAccount)
	}
	if !strings.Contains(string(first.SSHKey), "BEGIN RSA PRIVATE KEY") {
		t.Error("the SSH key is not PEM")
	}
}

func TestInfraIDsAreLabels(t *testing.T) {
	label := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?-[a-z0-9]{5}$`)
	for name, prefix := range map[string]string{
		"cluster":                       "cluster-",
		"My.Cluster_(1)":                "my-cluster-1-",
		"--":                            "aro-",
		"a-very-long-name-of-a-cluster": "a-very-long-name-of-a-",
		"exactly-twenty-chars-x-":       "exactly-twenty-chars-",
	} {
		id := NewInfraID(name)
		if !label.MatchString(id) || !strings.HasPrefix(id, prefix) || len(id) > 27 {
			t.Errorf("NewInfraID(%q) = %q, want a label of at most 27 beginning with %q", name, id, prefix)
		}
	}
	if first, second := NewInfraID("c"), NewInfraID("c"); first == second {
		t.Error("two infra ids of one name are equal")
	}
}

func TestBillingHasABeginningAndAnEnd(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, nil)
	s.must(s.do(s.beginBilling, w))
	begun := s.billing(w)
	s.must(s.do(s.beginBilling, w))
	s.must(s.do(s.endBilling, w))
	ended := s.billing(w)
	s.must(s.do(s.endBilling, w))
	if again := s.billing(w); begun.CreatedAt == nil || begun.InfraID != infraID || ended.DeletedAt == nil || !again.DeletedAt.Equal(*ended.DeletedAt) || !again.CreatedAt.Equal(*begun.CreatedAt) {
		t.Errorf("billed %+v, then %+v, then %+v", begun, ended, again)
	}
}

func (s *fixture) billing(w *Work) model.Billing {
	s.t.Helper()
	d, err := s.store.Billing.Get(s.t.Context(), lastSegment(customerID), w.Resource().Internal.UID)
	s.must(err)
	return d.Billing
}

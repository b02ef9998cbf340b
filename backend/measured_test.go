package backend

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
)

// emitted keeps metrics by their names.
type emitted map[string]struct {
	value int64
	dims  map[string]string
}

func (e emitted) EmitGauge(name string, value int64, dims map[string]string) {
	if err := metrics.Undeclared(name, dims); err != nil {
		panic(err)
	}
	e[name] = struct {
		value int64
		dims  map[string]string
	}{value, dims}
}

func (e emitted) EmitFloat(name string, value float64, dims map[string]string) {
	e.EmitGauge(name, int64(value), dims)
}

func endedCluster() *model.Cluster {
	at := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	c := &model.Cluster{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c", Name: "c", Location: "eastus"}
	c.Properties.ProvisioningState = model.Creating
	c.Properties.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "id", ClientSecret: "hunter2"}
	c.Properties.ClusterProfile = model.ClusterProfile{PullSecret: "hunter2", Domain: "c", Version: "4.19.24", FIPSValidatedModules: model.Disabled}
	c.Properties.NetworkProfile = model.NetworkProfile{PodCIDR: usualPods, ServiceCIDR: "172.31.0.0/16", OutboundType: model.LoadBalancer}
	c.Properties.WorkerProfiles = []model.WorkerProfile{{Name: "worker", VMSize: "Standard_D4s_v3", DiskSizeGB: 128, Count: 3}}
	c.Properties.IngressProfiles = []model.IngressProfile{{Name: "default", Visibility: model.Public}}
	c.Internal.UID = "uid"
	c.Internal.Operation = &model.Operation{ID: "op", Kind: model.Create, CorrelationID: "corr", Finished: []model.Step{
		{Name: "run installer", StartedAt: at, EndedAt: at.Add(90 * time.Second)}, {Name: "API server ready", StartedAt: at, EndedAt: at.Add(10 * time.Second)}}}
	return c
}

func TestWhatIsMeasuredOfAnOperation(t *testing.T) {
	e := emitted{}
	c := endedCluster()
	measured{cluster: c, operation: c.Internal.Operation, result: model.AsyncOperation{State: model.Succeeded}, took: 2 * time.Minute}.emit(e)
	want := []string{"backend.openshiftcluster.Creating", "backend.openshiftcluster.count", "backend.openshiftcluster.duration", "backend.openshiftcluster.install.APIServerReady.duration.seconds",
		"backend.openshiftcluster.install.duration.total.seconds", "backend.openshiftcluster.install.runInstaller.duration.seconds"}
	if got := slices.Sorted(maps.Keys(e)); !slices.Equal(got, want) {
		t.Errorf("emitted %q, want %q", got, want)
	}
	if e["backend.openshiftcluster.duration"].value != 120_000 || e["backend.openshiftcluster.install.runInstaller.duration.seconds"].value != 90 || e["backend.openshiftcluster.install.duration.total.seconds"].value != 100 {
		t.Errorf("emitted %v", e)
	}
	dims := e["backend.openshiftcluster.Creating"].dims
	for name, value := range map[string]string{"operationtype": "Creating", "provisioningstate": "Succeeded", "resulttype": "Success", "async_operationsid": "op", "correlationdata.correlationid": "corr",
		"correlationdata.requestid": "empty", "subscriptionid": "s", "openshiftcluster.resourcegroup": "g", "openshiftcluster.clusterid": "uid", "workprofile.count": "3", "workprofile.vmsize": "Standard_D4s_v3",
		"networkprofile.podcidr": "Default", "networkprofile.servicecidr": "Custom", "networkprofile.managedoutboundips": "empty", "ingressprofile": "Public.default", "clusteridentity": "serviceprincipal",
		"pullsecret": "Enabled", "tags": "Disabled", "clusterprofile.domain": "managed", "fips": "Disabled"} {
		if dims[name] != value {
			t.Errorf("%s is %q, want %q", name, dims[name], value)
		}
	}
	for name, value := range dims {
		if strings.Contains(value, "hunter2") || value == "" {
			t.Errorf("%s is %q", name, value)
		}
	}
}

func TestWhoseFaultAFailureIs(t *testing.T) {
	failed := func(code string) model.AsyncOperation {
		return model.AsyncOperation{State: model.Failed, Error: &model.OperationError{Code: code}}
	}
	for name, c := range map[string]struct {
		result  model.AsyncOperation
		failure error
		want    string
	}{
		"none":                      {model.AsyncOperation{State: model.Succeeded}, nil, "Success"},
		"the customer's":            {failed("QuotaExceeded"), arm.InvalidParameter.Errorf("x"), "UserError"},
		"the service's":             {failed("InternalServerError"), arm.InternalServerError.Errorf("x"), "InternalServerError"},
		"not known":                 {failed("InternalServerError"), errors.New("x"), "InternalServerError"},
		"found by another":          {failed("QuotaExceeded"), nil, "UserError"},
		"the service's, by another": {failed("InternalServerError"), nil, "InternalServerError"},
	} {
		e := emitted{}
		cluster := endedCluster()
		measured{cluster: cluster, operation: cluster.Internal.Operation, result: c.result, failure: c.failure}.emit(e)
		if got := e["backend.openshiftcluster.Creating"].dims["resulttype"]; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if steps := len(e) > 3; steps != (c.result.Error == nil) {
			t.Errorf("%s: emitted %q", name, slices.Sorted(maps.Keys(e)))
		}
	}
}

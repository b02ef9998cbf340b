package backend

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
)

// measured is a completed operation of a cluster, for metrics.
type measured struct {
	// cluster is the cluster, with the operation, when the operation ended.
	cluster   *model.Cluster
	operation *model.Operation
	result    model.AsyncOperation
	failure   error
	took      time.Duration
}

// metricPrefix is common to the metrics of operations.
const metricPrefix = "backend.openshiftcluster."

// emit reports the end of the operation and, if it succeeded, the duration of its steps.
func (m measured) emit(to metrics.Emitter) {
	if m.operation == nil {
		return
	}
	states := map[string]string{"oldProvisioningState": string(m.cluster.Properties.ProvisioningState), "newProvisioningState": string(m.result.State)}
	to.EmitGauge(metricPrefix+"count", 1, states)
	to.EmitGauge(metricPrefix+"duration", m.took.Milliseconds(), states)
	to.EmitGauge(metricPrefix+string(m.operation.Kind.Underway()), 1, m.dimensions())
	topic, known := topics[m.operation.Kind]
	if !known || m.result.Error != nil {
		return
	}
	total := 0.0
	for i := range m.operation.Finished {
		step := &m.operation.Finished[i]
		seconds := step.EndedAt.Sub(step.StartedAt).Seconds()
		total += seconds
		to.EmitGauge(metricPrefix+topic+"."+camel(step.Name)+".duration.seconds", int64(seconds), nil)
	}
	to.EmitGauge(metricPrefix+topic+".duration.total.seconds", int64(total), nil)
}

// topics are the operations whose steps are measured.
var topics = map[model.OperationKind]string{model.Create: "install", model.Update: "update", model.AdminUpdate: "adminUpdate"}

// camel converts a step's name to a part of a metric's name: runInstaller.
func camel(name string) string {
	var b strings.Builder
	for i, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if i > 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
	}
	return b.String()
}

// Values of dimensions that are empty, or not understood.
const (
	dimEmpty    = "empty"
	dimEnabled  = "Enabled"
	dimDisabled = "Disabled"
	dimDefault  = "Default"
	dimCustom   = "Custom"
)

// dimensions describe the operation and the cluster. None of them is secret or identifies a person.
func (m measured) dimensions() map[string]string {
	c, op := m.cluster, m.operation
	id, _ := arm.ParseClusterID(c.ID)
	dims := map[string]string{
		"operationtype": string(op.Kind.Underway()), "provisioningstate": string(m.result.State), "resulttype": m.resultType(), "async_operationsid": op.ID,
		"correlationdata.correlationid": op.CorrelationID, "correlationdata.client_requestid": op.ClientRequestID, "correlationdata.requestid": op.RequestID,
		"subscriptionid": id.SubscriptionID, "resourceid": c.ID, "openshiftcluster.clustername": c.Name, "openshiftcluster.clusterid": c.Internal.UID,
		"openshiftcluster.location": c.Location, "openshiftcluster.resourcegroup": id.ResourceGroup,
		"openshiftcluster.ocpversion": c.Properties.ClusterProfile.Version, "openshiftcluster.rpversion": c.Internal.ProvisionedBy,
		"tags": enabled(len(c.Tags) > 0), "pullsecret": enabled(c.Properties.ClusterProfile.PullSecret != ""),
		"fips": string(c.Properties.ClusterProfile.FIPSValidatedModules), "clusteridentity": identityOf(c),
	}
	describeMachines(dims, &c.Properties)
	describeNetwork(dims, &c.Properties)
	for name, value := range dims {
		if value == "" {
			dims[name] = dimEmpty
		}
	}
	return dims
}

func describeMachines(dims map[string]string, p *model.Properties) {
	dims["masterprofile.vmsize"], dims["masterprofile.encryptionathost"] = p.MasterProfile.VMSize, string(p.MasterProfile.EncryptionAtHost)
	dims["masterprofile.diskencryptionsetid"] = p.MasterProfile.DiskEncryptionSetID
	var first model.WorkerProfile
	if _, pools := p.WorkerPools(); len(pools) > 0 {
		first = pools[0]
	}
	dims["workprofile.count"], dims["workprofile.disksize"] = strconv.Itoa(first.Count), strconv.Itoa(first.DiskSizeGB)
	dims["workprofile.vmsize"], dims["workprofile.encryptionathost"] = first.VMSize, string(first.EncryptionAtHost)
}

// The default address ranges of clusters.
const (
	usualPods     = "10.128.0.0/14"
	usualServices = "172.30.0.0/16"
)

func describeNetwork(dims map[string]string, p *model.Properties) {
	n := &p.NetworkProfile
	dims["networkprofile.outboundtype"], dims["networkprofile.preconfigurednsg"] = string(n.OutboundType), string(n.PreconfiguredNSG)
	dims["networkprofile.podcidr"], dims["networkprofile.servicecidr"] = usual(n.PodCIDR, usualPods), usual(n.ServiceCIDR, usualServices)
	dims["networkprofile.managedoutboundips"] = ""
	if lb := n.LoadBalancerProfile; lb != nil && lb.ManagedOutboundIPs != nil {
		dims["networkprofile.managedoutboundips"] = strconv.Itoa(lb.ManagedOutboundIPs.Count)
	}
	for _, ingress := range p.IngressProfiles {
		dims["ingressprofile"] = string(ingress.Visibility) + "." + ingress.Name
	}
	dims["clusterprofile.domain"] = "managed"
	if strings.Contains(p.ClusterProfile.Domain, ".") {
		dims["clusterprofile.domain"] = dimCustom
	}
}

func enabled(is bool) string {
	if is {
		return dimEnabled
	}
	return dimDisabled
}

func usual(value, standard string) string {
	switch value {
	case "":
		return ""
	case standard:
		return dimDefault
	}
	return dimCustom
}

func identityOf(c *model.Cluster) string {
	switch {
	case c.UsesWorkloadIdentity():
		return "managedid"
	case c.Properties.ServicePrincipalProfile != nil:
		return "serviceprincipal"
	}
	return "unknown"
}

// resultType classifies a failure as the customer's or the service's. For a result that another
// process wrote, only its code is known.
func (m measured) resultType() string {
	if m.result.Error == nil {
		return "Success"
	}
	code := m.result.Error.Code
	if typed, ok := errors.AsType[*arm.Error](m.failure); ok && typed.Code.Status < http.StatusInternalServerError || m.failure == nil && code != arm.InternalServerError.Name {
		return "UserError"
	}
	return "InternalServerError"
}

package collectors

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aro-rp/aro/openshift"
)

// operatorDeployments are the deployments of the service's operator.
var operatorDeployments = []string{"aro-operator-master", "aro-operator-worker"}

// deployment is what is read of a Deployment.
type deployment struct {
	Metadata struct {
		Name       string            `json:"name" protobuf:"1"`
		Labels     map[string]string `json:"labels" protobuf:"11"`
		Generation int64             `json:"generation" protobuf:"7"`
	} `json:"metadata" protobuf:"1"`
	Spec struct {
		Replicas *int32 `json:"replicas" protobuf:"1"`
	} `json:"spec" protobuf:"2"`
	Status struct {
		ObservedGeneration int64 `json:"observedGeneration" protobuf:"1"`
		Replicas           int32 `json:"replicas" protobuf:"2"`
		UpdatedReplicas    int32 `json:"updatedReplicas" protobuf:"3"`
		AvailableReplicas  int32 `json:"availableReplicas" protobuf:"4"`
	} `json:"status" protobuf:"3"`
}

// ready reports whether all replicas are of the newest template and available.
func (d *deployment) ready() bool {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	return d.Status.AvailableReplicas == want && d.Status.UpdatedReplicas == want && d.Status.Replicas == want && d.Status.ObservedGeneration == d.Metadata.Generation
}

// readDeployments reads the deployments of the operator's namespace by their names.
func readDeployments(ctx context.Context, l *Look) (map[string]deployment, error) {
	all := map[string]deployment{}
	err := list(ctx, l, "/apis/apps/v1/namespaces/"+openshift.SystemNamespace+"/deployments", nil, func(d *deployment) { all[d.Metadata.Name] = *d })
	return all, err
}

// operatorHeartbeat reports whether the operator runs.
func operatorHeartbeat(_ context.Context, l *Look) error {
	all, err := l.programs()
	if err != nil {
		return err
	}
	for _, name := range operatorDeployments {
		runs := int64(0)
		if d, found := all[name]; found && d.ready() {
			runs = 1
		}
		l.Emit.EmitGauge("arooperator.heartbeat", runs, map[string]string{"name": name})
	}
	return nil
}

// aroCluster is the part that is read of the object through which the service and the operator
// exchange settings and state.
type aroCluster struct {
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		OperatorFlags  map[string]string `json:"operatorflags"`
		GatewayDomains []string          `json:"gatewayDomains"`
		Banner         struct {
			Content string `json:"content"`
		} `json:"banner"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

// readARO returns nil where there is no operator.
func readARO(ctx context.Context, l *Look) (*aroCluster, error) {
	var c aroCluster
	err := l.get(ctx, "/apis/aro.openshift.io/v1alpha1/clusters/cluster", cached(), &c)
	if absent(err) {
		return nil, nil
	}
	return &c, err
}

// expectedOfOperator are the operator's conditions in a healthy cluster, in addition to those of
// its controllers.
var expectedOfOperator = map[string]string{"InternetReachableFromMaster": isTrue, "InternetReachableFromWorker": isTrue,
	"ServicePrincipalValid": isTrue, "DefaultIngressCertificate": isTrue, "MachineValid": isTrue}

// expectedOfControllers is how the conditions of controllers end, and their status.
var expectedOfControllers = map[string]string{"ControllerAvailable": isTrue, "ControllerProgressing": isFalse, "ControllerDegraded": isFalse}

// operatorConditions reports the operator's conditions that are not as expected.
func operatorConditions(_ context.Context, l *Look) error {
	c, err := l.aro()
	if err != nil || c == nil {
		return err
	}
	for _, condition := range unexpected(c.Status.Conditions, expectedOfOperator) {
		if ofController(condition) {
			continue
		}
		l.gauge("arooperator.conditions", map[string]string{"type": condition.Type, "status": condition.Status})
		if condition.Status == isFalse {
			l.hourly("operator", "type", condition.Type, "status", condition.Status, "message", condition.Message)
		}
	}
	return nil
}

// ofController reports whether a condition says that a controller is healthy.
func ofController(c condition) bool {
	for end, status := range expectedOfControllers {
		if strings.HasSuffix(c.Type, end) && c.Status == status {
			return true
		}
	}
	return false
}

const (
	// reconciledAnnotation is when the operator last repaired the subnets.
	reconciledAnnotation = "aro.openshift.io/lastSubnetReconcileTimestamp"
	// reconciledLately is a little more than the time between two looks.
	reconciledLately = 70 * time.Second
)

// subnetReconciliation reports repairs of the subnets since the last check.
func subnetReconciliation(_ context.Context, l *Look) error {
	c, err := l.aro()
	if err != nil || c == nil {
		return err
	}
	text, found := c.Metadata.Annotations[reconciledAnnotation]
	if !found {
		return nil
	}
	at, err := time.Parse(time.RFC1123, text)
	if err != nil {
		return fmt.Errorf("annotation %s: %w", reconciledAnnotation, err)
	}
	if l.Now().Sub(at) < reconciledLately {
		l.gauge("nsg.reconciliations", nil)
	}
	return nil
}

// tlsSecrets selects Secrets with certificates.
func tlsSecrets() url.Values { return url.Values{"fieldSelector": {"type=kubernetes.io/tls"}} }

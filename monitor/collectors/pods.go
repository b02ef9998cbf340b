package collectors

import (
	"context"
	"errors"
)

// watchedNamespaces are those whose pods are looked at.
var watchedNamespaces = []string{"openshift-apiserver", "openshift-azure-logging", "openshift-azure-operator", "openshift-etcd",
	"openshift-ingress", "openshift-kube-apiserver", "openshift-machine-config-operator", "openshift-machine-api", "openshift-monitoring"}

// pod is what is read of a Pod.
type pod struct {
	Metadata identified `json:"metadata" protobuf:"1"`
	Spec     struct {
		NodeName string `json:"nodeName" protobuf:"10"`
	} `json:"spec" protobuf:"2"`
	Status struct {
		Phase      string      `json:"phase" protobuf:"1"`
		Reason     string      `json:"reason" protobuf:"4"`
		Conditions []condition `json:"conditions" protobuf:"2"`
		Containers []struct {
			Name         string `json:"name" protobuf:"1"`
			RestartCount int64  `json:"restartCount" protobuf:"5"`
			State        struct {
				Waiting *struct {
					Reason string `json:"reason" protobuf:"1"`
				} `json:"waiting" protobuf:"1"`
			} `json:"state" protobuf:"2"`
			LastState struct {
				Terminated *struct {
					Reason string `json:"reason" protobuf:"3"`
				} `json:"terminated" protobuf:"3"`
			} `json:"lastState" protobuf:"3"`
		} `json:"containerStatuses" protobuf:"8"`
	} `json:"status" protobuf:"3"`
}

// expectedOfPods are the conditions of a healthy pod.
var expectedOfPods = map[string]string{"ContainersReady": isTrue, "Initialized": isTrue, "PodScheduled": isTrue, "Ready": isTrue}

// manyRestarts is the number of restarts from which a pod is reported.
const manyRestarts = 10

// podConditions reports unhealthy pods, waiting containers, and restarts.
func podConditions(ctx context.Context, l *Look) error {
	var errs []error
	for _, namespace := range watchedNamespaces {
		errs = append(errs, list(ctx, l, "/api/v1/namespaces/"+namespace+"/pods", nil, l.pod))
	}
	return errors.Join(errs...)
}

func (l *Look) pod(p *pod) {
	name, namespace, nodeName := p.Metadata.Name, p.Metadata.Namespace, p.Spec.NodeName
	ended := p.Status.Phase == "Succeeded"
	if !ended && p.Status.Reason != "Preempting" {
		for _, c := range p.Status.Conditions {
			if status, known := expectedOfPods[c.Type]; known && c.Status != status {
				l.gauge("pod.conditions", map[string]string{"name": name, "namespace": namespace, "nodeName": nodeName, "type": c.Type, "status": c.Status})
				l.hourly("pod", "name", name, "namespace", namespace, "type", c.Type, "status", c.Status, "message", c.Message)
			}
		}
	}
	restarts := int64(0)
	for i := range p.Status.Containers {
		c := &p.Status.Containers[i]
		restarts += c.RestartCount
		if ended || c.State.Waiting == nil {
			continue
		}
		last := ""
		if c.LastState.Terminated != nil {
			last = c.LastState.Terminated.Reason
		}
		l.gauge("pod.containerstatuses", map[string]string{"name": name, "namespace": namespace, "nodeName": nodeName,
			"containername": c.Name, "reason": c.State.Waiting.Reason, "lastTerminationState": last})
	}
	if restarts >= manyRestarts {
		l.Emit.EmitGauge("pod.restartcounter", restarts, map[string]string{"name": name, "namespace": namespace})
	}
}

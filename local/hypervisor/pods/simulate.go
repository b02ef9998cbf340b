package pods

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// simulatedRun is how long the simulated container of a pod runs that shall end.
const simulatedRun = time.Second

// simulated is how the ids of containers begin that no process is behind.
const simulated = "simulated://"

// simulate brings a pod that has no programs to its next state.
func (n *Node) simulate(ctx context.Context, pod *corev1.Pod) (again time.Duration, err error) {
	now := metav1.Now()
	if pod.Status.StartTime == nil {
		pod.Status.StartTime = &now
	}
	if pod.Status.Phase != corev1.PodRunning {
		obstacle, err := n.obstacle(ctx, pod)
		if err != nil {
			return 0, err
		}
		if obstacle != nil {
			wait(pod, obstacle)
			return soon, n.event(ctx, pod, corev1.EventTypeWarning, obstacle.event, obstacle.message)
		}
		if err := n.address(ctx, pod); err != nil {
			return 0, err
		}
		for i := range pod.Spec.Containers {
			container := &pod.Spec.Containers[i]
			if systemCritical(pod) { // OpenShift's own, of which there are many
				break
			}
			if err := n.event(ctx, pod, corev1.EventTypeNormal, "Simulated", simulation(container)); err != nil {
				return 0, err
			}
		}
		begin(pod, now)
	}
	if pod.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		began := began(pod)
		if left := simulatedRun - now.Sub(began.Time); left > 0 {
			return left, nil
		}
		terminate(pod, now, 0, "Completed")
		return 0, nil
	}
	readiness(pod, now) // what else its owner asks for may have come
	return 0, nil
}

func systemCritical(pod *corev1.Pod) bool {
	return pod.Spec.PriorityClassName == "system-node-critical" || pod.Spec.PriorityClassName == "system-cluster-critical"
}

// begin shows all containers as running, and those that come before as done.
func begin(pod *corev1.Pod, now metav1.Time) {
	status := &pod.Status
	status.Phase, status.Reason, status.Message = corev1.PodRunning, "", ""
	status.InitContainerStatuses, status.ContainerStatuses = nil, nil
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		one := containerStatus(pod, container)
		one.State, one.Ready = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: now, FinishedAt: now, ContainerID: one.ContainerID,
		}}, true
		if ptr.Deref(container.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways {
			one.State, one.Started = running, ptr.To(true)
		}
		status.InitContainerStatuses = append(status.InitContainerStatuses, one)
	}
	for i := range pod.Spec.Containers {
		one := containerStatus(pod, &pod.Spec.Containers[i])
		one.State, one.Ready, one.Started = running, true, ptr.To(true)
		status.ContainerStatuses = append(status.ContainerStatuses, one)
	}
	setCondition(pod, "PodReadyToStartContainers", true, "", now)
	setCondition(pod, corev1.PodInitialized, true, "", now)
	readiness(pod, now)
}

func containerStatus(pod *corev1.Pod, container *corev1.Container) corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name: container.Name, Image: container.Image, ImageID: container.Image,
		ContainerID: simulated + string(pod.UID) + "/" + container.Name,
	}
}

// readiness is that of the containers, and of whatever else the pod names.
func readiness(pod *corev1.Pod, now metav1.Time) {
	containers := true
	for i := range pod.Status.ContainerStatuses {
		containers = containers && pod.Status.ContainerStatuses[i].Ready
	}
	setCondition(pod, corev1.ContainersReady, containers, "ContainersNotReady", now)
	ready, reason := containers, "ContainersNotReady"
	for _, gate := range pod.Spec.ReadinessGates {
		if !holds(pod, gate.ConditionType) {
			ready, reason = false, "ReadinessGatesNotReady"
		}
	}
	setCondition(pod, corev1.PodReady, ready, reason, now)
}

// terminate shows all containers as ended.
func terminate(pod *corev1.Pod, now metav1.Time, code int32, reason string) {
	status := &pod.Status
	status.Phase = corev1.PodSucceeded
	if code != 0 {
		status.Phase = corev1.PodFailed
	}
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses} {
		for i := range list {
			one := &list[i]
			if one.State.Terminated != nil {
				continue
			}
			started := now
			if one.State.Running != nil {
				started = one.State.Running.StartedAt
			}
			one.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: code, Reason: reason, StartedAt: started, FinishedAt: now, ContainerID: one.ContainerID,
			}}
			one.Ready, one.Started = false, ptr.To(false)
		}
	}
	setCondition(pod, corev1.ContainersReady, false, "PodCompleted", now)
	setCondition(pod, corev1.PodReady, false, "PodCompleted", now)
}

// began is when the last container did.
func began(pod *corev1.Pod) metav1.Time {
	last := ptr.Deref(pod.Status.StartTime, metav1.Time{})
	for i := range pod.Status.ContainerStatuses {
		if running := pod.Status.ContainerStatuses[i].State.Running; running != nil && last.Before(&running.StartedAt) {
			last = running.StartedAt
		}
	}
	return last
}

// wait shows a pod whose containers cannot be made.
func wait(pod *corev1.Pod, obstacle *obstacle) {
	pod.Status.Phase = corev1.PodPending
	pod.Status.ContainerStatuses = nil
	for i := range pod.Spec.Containers {
		container := &pod.Spec.Containers[i]
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Started: ptr.To(false),
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: obstacle.waiting, Message: obstacle.message}},
		})
	}
	now := metav1.Now()
	setCondition(pod, corev1.PodInitialized, true, "", now)
	readiness(pod, now)
}

func holds(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// setCondition keeps since when a condition is what it is. Reason is why it does
// not hold.
func setCondition(pod *corev1.Pod, kind corev1.PodConditionType, holds bool, reason string, now metav1.Time) {
	want := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now, ObservedGeneration: pod.Generation}
	if !holds {
		want.Status, want.Reason = corev1.ConditionFalse, reason
	}
	for i := range pod.Status.Conditions {
		have := &pod.Status.Conditions[i]
		if have.Type != kind {
			continue
		}
		if have.Status == want.Status {
			want.LastTransitionTime = have.LastTransitionTime
		}
		*have = want
		return
	}
	pod.Status.Conditions = append(pod.Status.Conditions, want)
}

package machineapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	machinev1 "github.com/openshift/api/machine/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var updateOptions = metav1.UpdateOptions{}

// sets keeps every machine set at its number of machines.
type sets struct{ client client.Client }

func (s *sets) reconcile(ctx context.Context) (time.Duration, error) {
	var list machinev1beta1.MachineSetList
	if err := s.client.List(ctx, &list, client.InNamespace(Namespace)); err != nil {
		return 0, err
	}
	var errs []error
	for i := range list.Items {
		set := &list.Items[i]
		if set.DeletionTimestamp != nil {
			continue // its machines are collected
		}
		if err := s.settle(ctx, set); err != nil {
			errs = append(errs, fmt.Errorf("machine set %s: %w", set.Name, err))
		}
	}
	return 0, errors.Join(errs...)
}

func (s *sets) settle(ctx context.Context, set *machinev1beta1.MachineSet) error {
	selector, err := metav1.LabelSelectorAsSelector(&set.Spec.Selector)
	if err != nil {
		return err
	}
	var found machinev1beta1.MachineList
	if err := s.client.List(ctx, &found, client.InNamespace(Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return err
	}
	all := slices.DeleteFunc(found.Items, func(m machinev1beta1.Machine) bool {
		return !metav1.IsControlledBy(&m, set) || m.DeletionTimestamp != nil
	})
	want := int(ptr.Deref(set.Spec.Replicas, 1))
	switch {
	case len(all) < want:
		err = s.grow(ctx, set, want-len(all))
	case len(all) > want:
		err = s.shrink(ctx, all, len(all)-want)
	}
	if err != nil {
		return err
	}
	return s.report(ctx, set, all)
}

func (s *sets) grow(ctx context.Context, set *machinev1beta1.MachineSet, count int) error {
	for range count {
		template := set.Spec.Template.DeepCopy()
		machine := &machinev1beta1.Machine{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: Namespace, Name: set.Name + "-" + rand.String(5),
				Labels: template.Labels, Annotations: template.Annotations,
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, machinev1beta1.GroupVersion.WithKind("MachineSet"))},
			},
			Spec: template.Spec,
		}
		if err := s.client.Create(ctx, machine); err != nil {
			return err
		}
		if err := s.seen(ctx, machine); err != nil {
			return err
		}
	}
	return nil
}

// seen waits until the cache has the new machine: a look before that would make
// one machine too many.
func (s *sets) seen(ctx context.Context, machine *machinev1beta1.Machine) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var have machinev1beta1.Machine
		if s.client.Get(ctx, client.ObjectKeyFromObject(machine), &have) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// shrink deletes the machines that are missed least: marked, failed, not yet
// running, and then the youngest.
func (s *sets) shrink(ctx context.Context, all []machinev1beta1.Machine, count int) error {
	slices.SortFunc(all, func(a, b machinev1beta1.Machine) int {
		return cmp.Or(cmp.Compare(worth(&a), worth(&b)), b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	for i := range all[:count] {
		if err := client.IgnoreNotFound(s.client.Delete(ctx, &all[i])); err != nil {
			return err
		}
	}
	return nil
}

func worth(machine *machinev1beta1.Machine) int {
	_, marked := machine.Annotations[deleteFirst]
	switch phase := ptr.Deref(machine.Status.Phase, ""); {
	case marked:
		return 0
	case phase == machinev1beta1.PhaseFailed:
		return 1
	case phase != machinev1beta1.PhaseRunning:
		return 2
	default:
		return 3
	}
}

func (s *sets) report(ctx context.Context, set *machinev1beta1.MachineSet, all []machinev1beta1.Machine) error {
	status := set.Status.DeepCopy()
	status.Replicas, status.ObservedGeneration = int32(len(all)), set.Generation
	status.FullyLabeledReplicas, status.ReadyReplicas = 0, 0
	template := labels.SelectorFromSet(set.Spec.Template.Labels)
	for i := range all {
		if template.Matches(labels.Set(all[i].Labels)) {
			status.FullyLabeledReplicas++
		}
		if all[i].Status.NodeRef == nil {
			continue
		}
		var node corev1.Node
		if err := s.client.Get(ctx, client.ObjectKey{Name: all[i].Status.NodeRef.Name}, &node); err == nil && ready(&node) {
			status.ReadyReplicas++
		}
	}
	status.AvailableReplicas = status.ReadyReplicas
	if equality.Semantic.DeepEqual(status, &set.Status) {
		return nil
	}
	set.Status = *status
	return s.client.Status().Update(ctx, set)
}

// masters reports on the set of the control plane's machines, whose number is never changed here.
type masters struct{ client client.Client }

func (s *masters) reconcile(ctx context.Context) (time.Duration, error) {
	var list machinev1.ControlPlaneMachineSetList
	if err := s.client.List(ctx, &list, client.InNamespace(Namespace)); err != nil {
		return 0, err
	}
	var found machinev1beta1.MachineList
	if err := s.client.List(ctx, &found, client.InNamespace(Namespace), client.MatchingLabels{RoleLabel: "master"}); err != nil {
		return 0, err
	}
	running := int32(0)
	for _, machine := range found.Items {
		if ptr.Deref(machine.Status.Phase, "") == machinev1beta1.PhaseRunning {
			running++
		}
	}
	for i := range list.Items {
		set := &list.Items[i]
		status := set.Status.DeepCopy()
		status.ObservedGeneration = set.Generation
		status.Replicas, status.UpdatedReplicas, status.ReadyReplicas = int32(len(found.Items)), int32(len(found.Items)), running
		status.UnavailableReplicas = status.Replicas - running
		if equality.Semantic.DeepEqual(status, &set.Status) {
			continue
		}
		set.Status = *status
		if err := s.client.Status().Update(ctx, set); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

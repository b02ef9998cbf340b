package machineapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aro-rp/aro/local/controlplane/watch"
)

const (
	// inParallel is how many machines are made or deleted at once.
	inParallel = 8
	// lookAgain finds a virtual machine that someone deleted behind our back.
	lookAgain = 5 * time.Minute
	// soon is when to look again for credentials, user data and masters.
	soon = time.Second
)

// machines makes, follows and deletes the virtual machine of each machine.
type machines struct {
	client client.Client
	cloud  *Cloud
}

func addMachines(m manager.Manager, r *machines) error {
	// A node has the name of its machine.
	byNode := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, node client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: key(node.GetName())}}
	})
	return builder.ControllerManagedBy(m).Named("machine").
		For(&machinev1beta1.Machine{}).
		Watches(&corev1.Node{}, byNode).
		WithOptions(controller.Options{MaxConcurrentReconciles: inParallel, RateLimiter: watch.Limiter()}).
		Complete(r)
}

// Reconcile takes one machine a step further.
func (r *machines) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	return watch.Quietly(r.reconcile(ctx, request))
}

func (r *machines) reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var machine machinev1beta1.Machine
	if err := r.client.Get(ctx, request.NamespacedName, &machine); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if machine.DeletionTimestamp != nil {
		return reconcile.Result{}, r.remove(ctx, &machine)
	}
	if !controllerutil.ContainsFinalizer(&machine, finalizer) {
		patch := client.MergeFrom(machine.DeepCopy())
		controllerutil.AddFinalizer(&machine, finalizer)
		if err := r.client.Patch(ctx, &machine, patch); err != nil {
			return reconcile.Result{}, err
		}
	}
	return r.follow(ctx, &machine)
}

// follow makes the virtual machine unless it is there, and notes its node.
func (r *machines) follow(ctx context.Context, machine *machinev1beta1.Machine) (reconcile.Result, error) {
	if phase(machine) == machinev1beta1.PhaseFailed {
		return reconcile.Result{}, nil // only its deletion helps, as in OpenShift
	}
	node, err := r.node(ctx, machine.Name)
	if err != nil {
		return reconcile.Result{}, err
	}
	if node != nil {
		if err := r.nameProvider(ctx, machine, node.Spec.ProviderID); err != nil {
			return reconcile.Result{}, err
		}
	}
	if err := r.label(ctx, machine); err != nil {
		return reconcile.Result{}, err
	}
	status := machine.Status.DeepCopy()
	failure := r.provision(ctx, machine, status)
	noteNode(status, node)
	if err := r.save(ctx, machine, status); err != nil {
		return reconcile.Result{}, err
	}
	if apierrors.IsNotFound(failure) || errors.Is(failure, errNoMaster) { // it will come
		return reconcile.Result{RequeueAfter: soon}, nil
	}
	if failure != nil && phase(machine) != machinev1beta1.PhaseFailed {
		return reconcile.Result{}, fmt.Errorf("machine %s: %w", machine.Name, failure)
	}
	return reconcile.Result{RequeueAfter: lookAgain}, nil
}

// provision makes or finds the virtual machine and reports its progress in the status.
func (r *machines) provision(ctx context.Context, machine *machinev1beta1.Machine, status *machinev1beta1.MachineStatus) error {
	isMaster := machine.Labels[RoleLabel] == "master"
	if ptr.Deref(status.Phase, "") == "" {
		status.Phase = ptr.To(machinev1beta1.PhaseProvisioning)
		if err := r.save(ctx, machine, status); err != nil {
			return err
		}
	}
	if r.cloud == nil {
		if isMaster || status.NodeRef != nil {
			return nil
		}
		noteFailure(status, errNoAzure)
		return errNoAzure
	}
	spec, azure, err := r.azure(ctx, machine)
	if err != nil {
		noteFailure(status, err)
		return err
	}
	vm, err := azure.find(ctx, spec, machine.Name)
	switch {
	case err != nil:
	case vm == nil && status.ProviderStatus != nil && hasVM(status.ProviderStatus):
		err = errGone
	case vm == nil && isMaster:
		return nil // the installer makes it
	case vm == nil:
		if err := r.needMaster(ctx); err != nil {
			return err
		}
		vm, err = r.create(ctx, azure, machine, spec)
	}
	if err != nil {
		noteFailure(status, err)
		return err
	}
	noteVM(status, vm)
	return nil
}

// needMaster holds back what OpenShift's machine API, which runs on masters, could
// not do yet.
func (r *machines) needMaster(ctx context.Context) error {
	var masters corev1.NodeList
	if err := r.client.List(ctx, &masters, client.HasLabels{masterLabel}); err != nil {
		return err
	}
	for i := range masters.Items {
		if ready(&masters.Items[i]) {
			return nil
		}
	}
	return errNoMaster
}

func (r *machines) create(ctx context.Context, azure *azure, machine *machinev1beta1.Machine, spec *machinev1beta1.AzureMachineProviderSpec) (*virtualMachine, error) {
	if spec.UserDataSecret == nil {
		return nil, invalid("the provider spec names no secret with user data")
	}
	var secret corev1.Secret
	if err := r.client.Get(ctx, client.ObjectKey{Namespace: cmp.Or(spec.UserDataSecret.Namespace, Namespace), Name: spec.UserDataSecret.Name}, &secret); err != nil {
		return nil, fmt.Errorf("user data: %w", err)
	}
	return azure.create(ctx, spec, machine.Name, secret.Data["userData"])
}

// azure is the cloud as the machine's credentials see it.
func (r *machines) azure(ctx context.Context, machine *machinev1beta1.Machine) (*machinev1beta1.AzureMachineProviderSpec, *azure, error) {
	spec := &machinev1beta1.AzureMachineProviderSpec{}
	if machine.Spec.ProviderSpec.Value == nil || json.Unmarshal(machine.Spec.ProviderSpec.Value.Raw, spec) != nil {
		return nil, nil, invalid("the provider spec is not Azure's")
	}
	if spec.CredentialsSecret == nil {
		return nil, nil, invalid("the provider spec names no secret with credentials")
	}
	var secret corev1.Secret
	if err := r.client.Get(ctx, client.ObjectKey{Namespace: cmp.Or(spec.CredentialsSecret.Namespace, Namespace), Name: spec.CredentialsSecret.Name}, &secret); err != nil {
		return nil, nil, fmt.Errorf("credentials: %w", err)
	}
	azure, err := r.cloud.as(ctx, &secret)
	return spec, azure, err
}

// remove deletes the virtual machine and all that was made with it, then its
// node, and lets the machine go.
func (r *machines) remove(ctx context.Context, machine *machinev1beta1.Machine) error {
	if !controllerutil.ContainsFinalizer(machine, finalizer) {
		return nil
	}
	status := machine.Status.DeepCopy()
	status.Phase = ptr.To(machinev1beta1.PhaseDeleting)
	if err := r.save(ctx, machine, status); err != nil {
		return err
	}
	if r.cloud != nil {
		spec, azure, err := r.azure(ctx, machine)
		if err == nil {
			err = azure.remove(ctx, spec, machine.Name)
		}
		var invalid invalid
		if err != nil && !errors.As(err, &invalid) { // nothing was made from an invalid spec
			status.ErrorMessage = ptr.To(err.Error())
			return errors.Join(fmt.Errorf("machine %s: %w", machine.Name, err), r.save(ctx, machine, status))
		}
	}
	if err := client.IgnoreNotFound(r.client.Delete(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: machine.Name}})); err != nil {
		return err
	}
	patch := client.MergeFrom(machine.DeepCopy())
	controllerutil.RemoveFinalizer(machine, finalizer)
	return client.IgnoreNotFound(r.client.Patch(ctx, machine, patch))
}

func (r *machines) node(ctx context.Context, name string) (*corev1.Node, error) {
	var node corev1.Node
	if err := r.client.Get(ctx, client.ObjectKey{Name: name}, &node); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return &node, nil
}

// label adds labels with a machine's size and location.
func (r *machines) label(ctx context.Context, machine *machinev1beta1.Machine) error {
	spec := &machinev1beta1.AzureMachineProviderSpec{}
	if machine.Spec.ProviderSpec.Value == nil || json.Unmarshal(machine.Spec.ProviderSpec.Value.Raw, spec) != nil {
		return nil //nolint:nilerr // creating the virtual machine reports it
	}
	patch := client.MergeFrom(machine.DeepCopy())
	changed := false
	for name, value := range map[string]string{"instance-type": spec.VMSize, "region": spec.Location, "zone": spec.Zone} {
		name = "machine.openshift.io/" + name
		if value == "" || machine.Labels[name] == value {
			continue
		}
		if machine.Labels == nil {
			machine.Labels = map[string]string{}
		}
		machine.Labels[name], changed = value, true
	}
	if !changed {
		return nil
	}
	return r.client.Patch(ctx, machine, patch)
}

func (r *machines) nameProvider(ctx context.Context, machine *machinev1beta1.Machine, id string) error {
	if id == "" || ptr.Deref(machine.Spec.ProviderID, "") == id {
		return nil
	}
	patch := client.MergeFrom(machine.DeepCopy())
	machine.Spec.ProviderID = &id
	return r.client.Patch(ctx, machine, patch)
}

// save keeps the status if it changed.
func (r *machines) save(ctx context.Context, machine *machinev1beta1.Machine, status *machinev1beta1.MachineStatus) error {
	if equality.Semantic.DeepEqual(&machine.Status, status) {
		return nil
	}
	status.LastUpdated = ptr.To(metav1.Now())
	machine.Status = *status.DeepCopy()
	return r.client.Status().Update(ctx, machine)
}

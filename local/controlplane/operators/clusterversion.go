package operators

import (
	"context"
	"fmt"
	"slices"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// failing is a condition that no constant of openshift/api names.
const failing configv1.ClusterStatusConditionType = "Failing"

// maxHistory is as many as OpenShift keeps.
const maxHistory = 100

// clusterVersion follows the operators to the desired version.
func (o *operators) clusterVersion(ctx context.Context) (time.Duration, error) {
	var version configv1.ClusterVersion
	if err := o.client.Get(ctx, client.ObjectKey{Name: "version"}, &version); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	var found configv1.ClusterOperatorList
	if err := o.client.List(ctx, &found); err != nil {
		return 0, err
	}
	status := version.Status.DeepCopy()
	status.ObservedGeneration = version.Generation
	status.Capabilities = capabilities(version.Spec.Capabilities)
	if len(status.History) == 0 {
		begin(status, configv1.Release{Version: o.release.Version, Image: o.release.Image})
	}
	status.AvailableUpdates = offered(status, version.Spec.Channel)
	invalid := o.accept(status, version.Spec.DesiredUpdate)
	settle(status, waitingFor(found.Items, status.Desired.Version))
	report(status, version.Spec.Channel, invalid)
	if equality.Semantic.DeepEqual(status, &version.Status) {
		return 0, nil
	}
	version.Status = *status
	return 0, o.client.Status().Update(ctx, &version)
}

// begin makes a release the one to reach.
func begin(status *configv1.ClusterVersionStatus, release configv1.Release) {
	now := metav1.Now()
	if len(status.History) > 0 && status.History[0].CompletionTime == nil {
		status.History[0].CompletionTime = &now // and stays partial
	}
	entry := configv1.UpdateHistory{State: configv1.PartialUpdate, StartedTime: now, Version: release.Version, Image: release.Image, Verified: true}
	status.History = append([]configv1.UpdateHistory{entry}, status.History...)
	status.History = status.History[:min(len(status.History), maxHistory)]
	status.Desired = release
}

// waitingFor names the operators that are not yet at a version, or not available.
func waitingFor(found []configv1.ClusterOperator, version string) []string {
	have := map[string]*configv1.ClusterOperator{}
	for i := range found {
		have[found[i].Name] = &found[i]
	}
	var names []string
	for name := range checks {
		operator := have[name]
		if operator == nil || operatorVersion(&operator.Status) != version ||
			!holds(operator.Status.Conditions, configv1.OperatorAvailable) || holds(operator.Status.Conditions, configv1.OperatorDegraded) {
			names = append(names, name)
		}
	}
	return names
}

// settle completes the update once all operators are done. A cluster that was available once stays
// so, as in OpenShift, whatever its operators report.
func settle(status *configv1.ClusterVersionStatus, waiting []string) {
	current := &status.History[0]
	progress := fmt.Sprintf("Working towards %s: %d of %d operators done", current.Version, len(checks)-len(waiting), len(checks))
	if len(waiting) == 0 && current.State != configv1.CompletedUpdate {
		current.State, current.CompletionTime = configv1.CompletedUpdate, ptr.To(metav1.Now())
	}
	done := current.State == configv1.CompletedUpdate
	if done {
		progress = "Cluster version is " + current.Version
		setCondition(&status.Conditions, configv1.OperatorAvailable, true, "", "Done applying "+current.Version)
	} else if !holds(status.Conditions, configv1.OperatorAvailable) {
		setCondition(&status.Conditions, configv1.OperatorAvailable, false, "", "")
	}
	setCondition(&status.Conditions, configv1.OperatorProgressing, !done, "", progress)
	broken := done && len(waiting) > 0
	message := ""
	if broken {
		message = fmt.Sprintf("%d cluster operators are not available or degraded", len(waiting))
	}
	setCondition(&status.Conditions, failing, broken, word(broken, "ClusterOperatorsNotAvailable", ""), message)
	setCondition(&status.Conditions, configv1.OperatorUpgradeable, true, "AsExpected", "")
}

// capabilities are those that the installer chose: all others stay off.
func capabilities(spec *configv1.ClusterVersionCapabilitiesSpec) configv1.ClusterVersionCapabilitiesStatus {
	status := configv1.ClusterVersionCapabilitiesStatus{KnownCapabilities: configv1.KnownClusterVersionCapabilities}
	if spec == nil {
		status.EnabledCapabilities = configv1.KnownClusterVersionCapabilities
		return status
	}
	enabled := map[configv1.ClusterVersionCapability]bool{}
	for _, capability := range slices.Concat(configv1.ClusterVersionCapabilitySets[spec.BaselineCapabilitySet], spec.AdditionalEnabledCapabilities) {
		enabled[capability] = true
	}
	for _, capability := range configv1.KnownClusterVersionCapabilities {
		if enabled[capability] {
			status.EnabledCapabilities = append(status.EnabledCapabilities, capability)
		}
	}
	return status
}

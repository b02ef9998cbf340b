package openshift

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// clusterVersion and cluster are the names of objects of which a cluster has one.
const (
	clusterVersion = "version"
	singleton      = "cluster"
)

// Answers checks that the API server serves requests.
func (c *Cluster) Answers(ctx context.Context) error {
	return c.Get(ctx, types.NamespacedName{Name: "kube-system"}, &corev1.Namespace{})
}

// BootstrapComplete checks that the control plane runs on its own machines.
func (c *Cluster) BootstrapComplete(ctx context.Context) (missing string, err error) {
	const waiting = "the control plane machines to take over from the bootstrap machine"
	var status corev1.ConfigMap
	err = c.Get(ctx, types.NamespacedName{Namespace: "kube-system", Name: "bootstrap"}, &status)
	switch {
	case apierrors.IsNotFound(err) || err == nil && status.Data["status"] != "complete":
		return waiting, nil
	case err != nil:
		return "", fmt.Errorf("read the bootstrap status: %w", err)
	}
	return "", nil
}

// Settled checks that each of the operators is available, and neither progressing
// nor degraded.
func (c *Cluster) Settled(ctx context.Context, operators ...string) (missing string, err error) {
	var waiting []string
	for _, name := range operators {
		var operator configv1.ClusterOperator
		err := c.Get(ctx, types.NamespacedName{Name: name}, &operator)
		if err != nil && !apierrors.IsNotFound(err) {
			return "", fmt.Errorf("read the operator %s: %w", name, err)
		}
		if why := unsettled(operator.Status.Conditions); err != nil || why != "" {
			waiting = append(waiting, fmt.Sprintf("the operator %s (%s)", name, orAbsent(why, err)))
		}
	}
	return strings.Join(waiting, ", "), nil
}

// Unsettled returns why an operator is not available, is progressing or degraded; empty text if it is
// well.
func (a *API) Unsettled(ctx context.Context, operator string) (why string, err error) {
	var found configv1.ClusterOperator
	if err := a.Read(ctx, "/apis/config.openshift.io/v1/clusteroperators/"+operator, &found); err != nil {
		return "", fmt.Errorf("read the operator %s: %w", operator, err)
	}
	return unsettled(found.Status.Conditions), nil
}

func orAbsent(why string, err error) string {
	if err != nil {
		return "not there yet"
	}
	return why
}

// unsettled returns why an operator is not ready, and empty text if it is. A
// missing condition Degraded counts as false.
func unsettled(conditions []configv1.ClusterOperatorStatusCondition) string {
	found := map[configv1.ClusterStatusConditionType]configv1.ClusterOperatorStatusCondition{}
	for _, condition := range conditions {
		found[condition.Type] = condition
	}
	available, progressing, degraded := found[configv1.OperatorAvailable], found[configv1.OperatorProgressing], found[configv1.OperatorDegraded]
	switch {
	case available.Status != configv1.ConditionTrue:
		return because("not available", available)
	case degraded.Status != "" && degraded.Status != configv1.ConditionFalse:
		return because("degraded", degraded)
	case progressing.Status != configv1.ConditionFalse:
		return because("progressing", progressing)
	}
	return ""
}

// because adds the beginning of the operator's message.
func because(what string, condition configv1.ClusterOperatorStatusCondition) string {
	words := condition.Message
	if words == "" {
		words = condition.Reason
	}
	if words == "" {
		return what
	}
	return what + ": " + Short(words)
}

const longestWords = 200

// Short returns the beginning of a text, on one line.
func Short(words string) string {
	words = strings.Join(strings.Fields(words), " ")
	if len(words) > longestWords {
		words = strings.ToValidUTF8(words[:longestWords], "") + "…"
	}
	return words
}

// ConsoleExists checks that the console has been created.
func (c *Cluster) ConsoleExists(ctx context.Context) (missing string, err error) {
	err = c.Get(ctx, types.NamespacedName{Name: singleton}, &operatorv1.Console{})
	if apierrors.IsNotFound(err) {
		return "the console to be created", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the console: %w", err)
	}
	return "", nil
}

// VersionReady checks that all of the release runs.
func (c *Cluster) VersionReady(ctx context.Context) (missing string, err error) {
	var version configv1.ClusterVersion
	if err := c.Get(ctx, types.NamespacedName{Name: clusterVersion}, &version); err != nil {
		return "", fmt.Errorf("read the cluster version: %w", err)
	}
	why := "it is not available"
	for _, condition := range version.Status.Conditions {
		if condition.Type == configv1.OperatorAvailable && condition.Status == configv1.ConditionTrue {
			return "", nil
		}
		if condition.Type == configv1.OperatorProgressing && condition.Message != "" {
			why = Short(condition.Message)
		}
	}
	return fmt.Sprintf("the cluster version (%s)", why), nil
}

// Unreachable reports whether err means that the API server does not respond yet:
// it does not listen, is starting, or is busy.
func Unreachable(err error) bool {
	var transport *url.Error // the connection failed
	return errors.As(err, &transport) || apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || Obstacle(err) == "" && apierrors.IsUnexpectedServerError(err)
}

// Obstacle returns what to wait for after an error of an API server that responds,
// as text that completes "waiting for"; empty for errors that are not temporary.
func Obstacle(err error) string {
	for _, o := range []struct {
		is    func(error) bool
		words string
	}{
		{apierrors.IsUnauthorized, "the API server to accept the service's credentials"}, // it may not have loaded all certificate authorities yet
		{apierrors.IsForbidden, "the API server to let the service do its work"},         // nor all roles
		{apierrors.IsNotFound, "what the cluster is to create"},                          // or its type
		{apierrors.IsConflict, "others who write the same object"},
		{apierrors.IsAlreadyExists, "others who create the same object"},
	} {
		if o.is(err) {
			return o.words + " (" + Why(err) + ")"
		}
	}
	return ""
}

// Why returns the text of err for users: of a failed connection the reason without
// the request, which the step names already.
func Why(err error) string {
	var transport *url.Error
	if errors.As(err, &transport) {
		err = transport.Err
	}
	return Short(err.Error())
}

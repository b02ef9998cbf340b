package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/aro-rp/aro/openshift"
)

const (
	monitoringNamespace = "openshift-monitoring"
	alertsPort          = 9093
)

// alertManagers are the pods of which any answers for all.
var alertManagers = []string{"alertmanager-main-0", "alertmanager-main-1", "alertmanager-main-2"}

// alert is what is read of an alert of the cluster's own monitoring.
type alert struct {
	Labels map[string]string `json:"labels"`
}

// ignoredAlerts are alerts of OpenShift that do not concern the service.
var (
	ignoredAlerts        = []string{"ImagePruningDisabled", "InsightsDisabled"}
	ignoredAlertPrefixes = []string{"UsingDeprecatedAPI", "APIRemovedInNext"}
)

// isReported reports whether an alert is about OpenShift and not ignored.
func (a *alert) isReported() bool {
	name, namespace := a.Labels["alertname"], a.Labels["namespace"]
	return !slices.Contains(ignoredAlerts, name) &&
		!slices.ContainsFunc(ignoredAlertPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) &&
		(namespace == "" || openshift.IsPlatformNamespace(namespace))
}

// alerts reports the alerts that fire in the cluster.
func alerts(ctx context.Context, l *Look) error {
	all, err := l.firing(ctx)
	if err != nil {
		return err
	}
	type kind struct{ alert, severity, target, secondary string }
	count := map[kind]int64{}
	n := int64(0)
	for i := range all {
		a := &all[i]
		if !a.isReported() {
			continue
		}
		n++
		k := kind{alert: a.Labels["alertname"], severity: a.Labels["severity"]}
		if target, secondary := a.Labels["target"], a.Labels["secondary_target"]; target != "" && secondary != "" {
			k.target, k.secondary = target, secondary
		}
		count[k]++
	}
	l.Emit.EmitGauge("prometheus.alerts.count", n, nil)
	for k, n := range count {
		dims := map[string]string{"alert": k.alert, "severity": k.severity}
		if k.target == "" {
			l.Emit.EmitGauge("prometheus.alerts", n, dims)
		} else {
			l.Emit.EmitGauge("prometheus.targeted.alerts", n, and(dims, "target", k.target, "secondary_target", k.secondary))
		}
	}
	return nil
}

// firing queries the first pod that answers.
func (l *Look) firing(ctx context.Context) (all []alert, err error) {
	var errs []error
	for _, pod := range alertManagers {
		all, err := l.alertsOf(ctx, pod)
		if err == nil {
			return all, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (l *Look) alertsOf(ctx context.Context, pod string) (all []alert, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return l.API.Forward(ctx, monitoringNamespace, pod, alertsPort)
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d/api/v2/alerts", pod, alertsPort), nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pod, without(err))
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", pod, res.Status)
	}
	if err := json.UnmarshalRead(io.LimitReader(res.Body, maxAnswer), &all); err != nil {
		return nil, fmt.Errorf("%s: %w", pod, err)
	}
	return all, nil
}

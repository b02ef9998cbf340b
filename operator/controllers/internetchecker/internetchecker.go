// Package internetchecker reports whether a cluster reaches the endpoints that it needs.
package internetchecker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// Timing sets the timeouts and retries of a check.
type Timing struct {
	// Attempts are made before a URL counts as out of reach.
	Attempts int
	// Each attempt takes that long at most; one that fails earlier waits.
	Each time.Duration
	// Again is when a check that went well is repeated.
	Again time.Duration
}

// Usual is how patient checks are in clusters.
var Usual = Timing{Attempts: 6, Each: 10 * time.Second, Again: time.Hour}

// New is the controller of a role.
func New(role controller.Role, timing Timing) controller.Spec {
	condition := "InternetReachableFromWorker"
	if role == controller.Master {
		condition = "InternetReachableFromMaster"
	}
	c := checker{timing: timing, client: &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}}
	return controller.Spec{
		Name: "InternetChecker",
		Summary: "Asks every URL of `spec.internetChecker.urls` once an hour, from a connection of its own. Whatever status it answers, it is reached. The condition names " +
			"those that six attempts in a minute did not reach.",
		Flag:    flags.Checker,
		Reports: controller.FindingOrUnknown, Condition: condition,
		Reconcile: c.reconcile,
	}
}

type checker struct {
	timing Timing
	client *http.Client
}

func (c checker) reconcile(ctx context.Context, r *controller.Request) error {
	urls := r.Cluster.Spec.InternetChecker.URLs
	failures := make([]error, len(urls))
	var all sync.WaitGroup
	for i, url := range urls {
		all.Go(func() { failures[i] = c.reach(ctx, url) })
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		r.Report(operatorv1.ConditionFalse, "CheckFailed", err.Error())
		return err
	}
	r.Report(operatorv1.ConditionTrue, "CheckDone", "All URLs are reached: "+strings.Join(urls, ", "))
	r.Again(c.timing.Again)
	return nil
}

// reach returns the last attempt's error.
func (c checker) reach(ctx context.Context, url string) error {
	var err error
	for attempt := range c.timing.Attempts {
		over, cancel := context.WithTimeout(ctx, c.timing.Each)
		if err = c.once(over, url); err == nil {
			cancel()
			return nil
		}
		if attempt < c.timing.Attempts-1 {
			<-over.Done()
		}
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%s is not reached: %w", url, err)
}

func (c checker) once(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return err
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return errors.Unwrap(err) // without the URL, which is named already
	}
	return answer.Body.Close()
}

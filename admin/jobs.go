package admin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/admin"
)

const (
	// jobNamespace is that of jobs that name none.
	jobNamespace = "openshift-azure-operator"
	// maxJobName bounds the name of a job before its random ending of jobEnding characters.
	maxJobName = 57
	jobEnding  = 5
	// jobEvery is how often a job is looked at, and jobRemoval how long its deletion may take.
	jobEvery   = time.Second
	jobRemoval = 10 * time.Second
)

// job is what has to be known of the manifest of a job.
type job struct {
	manifest
	Spec struct {
		Parallelism  *int `json:"parallelism"`
		Completions  *int `json:"completions"`
		BackoffLimit *int `json:"backoffLimit"`
		Template     struct {
			Spec struct {
				RestartPolicy  string            `json:"restartPolicy"`
				Containers     []json.RawMessage `json:"containers"`
				InitContainers []json.RawMessage `json:"initContainers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// check returns what is wrong with the job.
func (j *job) check() error {
	one := func(n *int) bool { return n == nil || *n == 1 }
	pod := &j.Spec.Template.Spec
	switch {
	case j.APIVersion != "batch/v1" || j.Kind != "Job":
		return arm.InvalidParameter.At("kind", "It must be a Job of batch/v1.")
	case !one(j.Spec.Parallelism) || !one(j.Spec.Completions):
		return arm.InvalidParameter.At("spec.completions", "The job must have one pod: leave out completions and parallelism.")
	case j.Spec.BackoffLimit != nil && *j.Spec.BackoffLimit != 0:
		return arm.InvalidParameter.At("spec.backoffLimit", "The job must run once: backoffLimit must be 0.")
	case len(pod.Containers) != 1 || len(pod.InitContainers) > 0:
		return arm.InvalidParameter.At("spec.template.spec.containers", "The pod must have one container and no init containers.")
	case pod.RestartPolicy != "Never" && pod.RestartPolicy != "OnFailure":
		return arm.InvalidParameter.At("spec.template.spec.restartPolicy", "It must be Never or OnFailure.")
	}
	if err := (names{"metadata.name": j.Metadata.Name, "metadata.namespace": j.Metadata.Namespace}).check(); err != nil {
		return err
	}
	return kind{resource: "jobs", namespaced: true}.allowed(j.Metadata.Namespace)
}

// AdminRunJob runs a job and returns what it writes.
func (a *API) AdminRunJob(ec echo.Context, _, _, _ string, _ api.AdminRunJobParams) error {
	c := ec.(*call)
	var j job
	if err := c.lenient(&j); err != nil {
		return err
	}
	if j.Metadata.Namespace == "" {
		j.Metadata.Namespace = jobNamespace
	}
	c.Subject = subject("Job", j.Metadata.Namespace, j.Metadata.Name)
	if err := j.check(); err != nil {
		return err
	}
	manifest, name, err := j.complete(c.body)
	if err != nil {
		return err
	}
	jobs := "/apis/batch/v1/namespaces/" + j.Metadata.Namespace + "/jobs"
	return a.clusterStream(c, func(ctx context.Context, k clusterAPI, e *events) error {
		if err := k.Write(ctx, http.MethodPost, query(jobs, c), manifest, nil); err != nil {
			return err
		}
		e.report("job " + j.Metadata.Namespace + "/" + name + " is created")
		if c.DryRun {
			return nil
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobRemoval)
			defer cancel()
			res, err := k.Send(ctx, http.MethodDelete, jobs+"/"+name+"?propagationPolicy=Background", nil)
			if err != nil {
				e.report("job " + j.Metadata.Namespace + "/" + name + " could not be deleted: " + ofCluster(err).Error())
				return
			}
			_ = res.Body.Close()
		}()
		return k.runJob(ctx, e, j.Metadata.Namespace, name)
	})
}

// complete returns the manifest with the name that the job gets.
func (j *job) complete(body []byte) (manifest map[string]any, name string, err error) {
	if err := json.Unmarshal(body, &manifest); err != nil {
		return nil, "", err
	}
	name = j.Metadata.Name[:min(len(j.Metadata.Name), maxJobName)] + "-" + rand.String(jobEnding)
	metadata, _ := manifest["metadata"].(map[string]any)
	metadata["name"], metadata["namespace"] = name, j.Metadata.Namespace
	spec, _ := manifest["spec"].(map[string]any)
	spec["backoffLimit"] = 0
	return manifest, name, nil
}

// runJob follows a job to its end.
func (k clusterAPI) runJob(ctx context.Context, e *events, namespace, name string) error {
	running, err := k.awaitStart(ctx, e, namespace, name)
	if err != nil {
		return err
	}
	if err := k.follow(ctx, e, podPath(namespace, running.Metadata.Name)); err != nil {
		return err
	}
	for {
		if err := k.Read(ctx, podPath(namespace, running.Metadata.Name), running); err != nil {
			return err
		}
		for _, container := range running.Status.ContainerStatuses {
			if ended := container.State.Terminated; ended != nil && ended.ExitCode != 0 {
				return &exitError{ended.ExitCode, arm.RequestNotAllowed.Errorf("The container ended with exit code %d: %s.", ended.ExitCode, ended.Reason)}
			}
		}
		switch running.Status.Phase {
		case "Succeeded":
			e.send(api.Event{ExitCode: new(int32)})
			return nil
		case "Failed":
			return arm.RequestNotAllowed.Errorf("The pod of the job failed.")
		}
		if err := waitFor(ctx, jobEvery); err != nil {
			return late(err)
		}
	}
}

// late is the error of an action that did not end in time.
func late(err error) error {
	return arm.RequestNotAllowed.Errorf("The action did not end in time, or its caller disconnected.").Because(err)
}

// awaitStart returns the pod of a job once its container runs or has ended, and reports
// what it waits for.
func (k clusterAPI) awaitStart(ctx context.Context, e *events, namespace, name string) (*pod, error) {
	reported := ""
	for {
		var pods struct{ Items []pod }
		err := k.Read(ctx, "/api/v1/namespaces/"+namespace+"/pods?labelSelector="+url.QueryEscape("job-name="+name), &pods)
		if err != nil {
			return nil, err
		}
		why := "waiting for the pod of the job"
		for i := range pods.Items {
			if why = pods.Items[i].waits(); why == "" {
				return &pods.Items[i], nil
			}
		}
		if why != reported {
			reported = why
			e.report(why)
		}
		if err := waitFor(ctx, jobEvery); err != nil {
			return nil, late(err)
		}
	}
}

// waits is what the first container of a pod waits for; empty once it has run.
func (p *pod) waits() string {
	if p.Spec.NodeName == "" {
		return "pod " + p.Metadata.Name + " is not scheduled to a node." + p.unscheduled()
	}
	if len(p.Status.ContainerStatuses) == 0 {
		return "pod " + p.Metadata.Name + " is not started yet"
	}
	first := p.Status.ContainerStatuses[0]
	if waiting := first.State.Waiting; waiting != nil {
		return "container " + first.Name + " waits: " + waiting.Reason + " " + arm.Plain(waiting.Message, maxStatus)
	}
	return ""
}

// follow sends what a pod writes until it ends.
func (k clusterAPI) follow(ctx context.Context, e *events, pod string) error {
	res, err := k.Send(ctx, http.MethodGet, pod+"/log?follow=true", nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	out := e.stdout()
	defer out.end()
	if _, err = io.Copy(out, res.Body); ctx.Err() != nil {
		return late(ctx.Err())
	}
	return err
}

// waitFor waits, or returns the error of ctx.
func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

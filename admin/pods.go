package admin

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/openshift"
)

// pod is what has to be known of a pod.
type pod struct {
	Metadata struct{ Name string }
	Spec     struct {
		NodeName   string
		Containers []struct{ Name string }
	}
	Status struct {
		Phase             string
		Conditions        []struct{ Type, Status, Reason, Message string }
		ContainerStatuses []struct {
			Name  string
			State struct {
				Waiting    *struct{ Reason, Message string }
				Running    *struct{}
				Terminated *struct {
					ExitCode int32
					Reason   string
				}
			}
		}
	}
}

// podPath is the path of a pod, whose names have been checked.
func podPath(namespace, name string) string {
	return "/api/v1/namespaces/" + namespace + "/pods/" + name
}

// isScheduled fails for a pod in a namespace of OpenShift that is on no node. It has neither
// logs nor containers: an API server answers with nothing, which looks like empty logs.
func (k clusterAPI) isScheduled(ctx context.Context, parameter, namespace, name string) error {
	var found pod
	if err := k.Read(ctx, podPath(namespace, name), &found); err != nil {
		return err
	}
	if found.Spec.NodeName == "" {
		return arm.RequestNotAllowed.At(parameter, "The pod is not scheduled to a node, so that nothing runs in it yet.%s", found.unscheduled())
	}
	return nil
}

// unscheduled is why the scheduler finds no node.
func (p *pod) unscheduled() string {
	for _, condition := range p.Status.Conditions {
		if condition.Type == "PodScheduled" && condition.Status != "True" && condition.Message != "" {
			return " " + condition.Reason + ": " + arm.Plain(condition.Message, maxStatus)
		}
	}
	return ""
}

// inPods refuses pods that are not OpenShift's.
func inPods(namespace string) error {
	return kind{resource: "pods", namespaced: true}.allowed(namespace)
}

// AdminGetPodLogs returns the logs of a pod.
func (a *API) AdminGetPodLogs(ec echo.Context, _, _, _ string, p api.AdminGetPodLogsParams) error {
	c, container := ec.(*call), optional(p.Container)
	c.Subject = p.Namespace + "/" + p.Podname
	if err := (names{"namespace": p.Namespace, "podname": p.Podname, "container": container}).check("container"); err != nil {
		return err
	}
	if err := inPods(p.Namespace); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		if err := k.isScheduled(ctx, "podname", p.Namespace, p.Podname); err != nil {
			return err
		}
		q := url.Values{"limitBytes": {strconv.Itoa(maxLogs)}}
		if container != "" {
			q.Set("container", container)
		}
		res, err := k.Send(ctx, http.MethodGet, podPath(p.Namespace, p.Podname)+"/log?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		return c.Stream(http.StatusOK, "text/plain; charset=utf-8", io.LimitReader(res.Body, maxLogs))
	})
}

// maxCommand bounds a command, in bytes.
const maxCommand = 4096

// AdminExec runs a command in a container.
func (a *API) AdminExec(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	var body api.Command
	if err := c.strict(&body); err != nil {
		return err
	}
	container := optional(body.Container)
	if err := (names{"namespace": body.Namespace, "podName": body.PodName, "container": container}).check("container"); err != nil {
		return err
	}
	if size := len(strings.Join(body.Command, " ")); size == 0 || size > maxCommand || body.Command[0] == "" {
		return arm.InvalidParameter.At("command", "It must have the program and its arguments, together at most %d bytes.", maxCommand)
	}
	c.Subject = body.Namespace + "/" + body.PodName + ": " + strings.Join(body.Command, " ")
	if err := inPods(body.Namespace); err != nil {
		return err
	}
	return a.clusterStream(c, func(ctx context.Context, k clusterAPI, e *events) error {
		if err := k.isScheduled(ctx, "podName", body.Namespace, body.PodName); err != nil {
			return err
		}
		out, failures := e.stdout(), e.stderr()
		e.report("running " + body.Command[0] + " in pod " + body.Namespace + "/" + body.PodName)
		code, err := k.Exec(ctx, openshift.Command{Namespace: body.Namespace, Pod: body.PodName, Container: container, Args: body.Command, Stdout: out, Stderr: failures})
		out.end()
		failures.end()
		if err != nil {
			return notRun(err)
		}
		if code != 0 {
			return &exitError{int32(code), arm.RequestNotAllowed.Errorf("The command ended with exit code %d.", code)}
		}
		e.send(api.Event{ExitCode: new(int32)})
		return nil
	})
}

// notRun is why a command was not run, for the caller.
func notRun(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return arm.RequestNotAllowed.Errorf("The command did not end in time. It may still run.").Because(err)
	}
	return arm.RequestNotAllowed.Errorf("The cluster did not run the command, or the connection to it broke: %s", arm.Plain(err.Error(), maxStatus)).Because(err)
}

// AdminCountEtcdKeys counts the keys of etcd by resource.
func (a *API) AdminCountEtcdKeys(ec echo.Context, _, _, _ string, p api.AdminCountEtcdKeysParams) error {
	c := ec.(*call)
	c.Subject = p.VMName
	if err := (names{"vmName": p.VMName}).check(); err != nil {
		return err
	}
	const namespace = "openshift-etcd"
	etcd := "etcd-" + p.VMName
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		if err := k.isScheduled(ctx, "vmName", namespace, etcd); err != nil {
			return err
		}
		reader, writer := io.Pipe()
		failures := &output{left: maxStatus, send: func(string) {}}
		var stderr strings.Builder
		failures.send = func(text string) { stderr.WriteString(text) }
		ended := make(chan error, 1)
		go func() {
			code, err := k.Exec(ctx, openshift.Command{Namespace: namespace, Pod: etcd, Container: "etcdctl",
				Args: []string{"etcdctl", "get", "/", "--prefix", "--keys-only"}, Stdout: writer, Stderr: failures})
			failures.end()
			_ = writer.Close()
			if err == nil && code != 0 {
				err = arm.RequestNotAllowed.Errorf("etcdctl ended with exit code %d: %s", code, arm.Plain(stderr.String(), maxStatus))
			} else if err != nil {
				err = notRun(err)
			}
			ended <- err
		}()
		counted := countKeys(reader)
		_ = reader.Close()
		if err := <-ended; err != nil {
			return err
		}
		return armhttp.Value(c, http.StatusOK, counted)
	})
}

// countKeys counts keys, one in a line, by where the objects of a resource are, such as
// /kubernetes.io/pods.
func countKeys(keys io.Reader) api.EtcdKeyCount {
	counts, result := map[string]int64{}, api.EtcdKeyCount{Prefixes: []api.EtcdPrefix{}}
	for lines := bufio.NewScanner(keys); lines.Scan(); {
		if key := lines.Text(); strings.HasPrefix(key, "/") {
			result.Total++
			counts[resourceOfKey(key)]++
		}
	}
	for prefix, count := range counts {
		result.Prefixes = append(result.Prefixes, api.EtcdPrefix{Prefix: prefix, Count: count})
	}
	slices.SortFunc(result.Prefixes, func(x, y api.EtcdPrefix) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), strings.Compare(x.Prefix, y.Prefix))
	})
	return result
}

// resourceOfKey is the first two parts of a key, or three if the second is an API group.
func resourceOfKey(key string) string {
	parts := strings.SplitN(key, "/", 5)
	n := 3
	if len(parts) > 2 && strings.Contains(parts[2], ".") {
		n = 4
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}

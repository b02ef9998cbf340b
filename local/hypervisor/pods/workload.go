package pods

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/utils/ptr"

	"github.com/aro-rp/aro/local/hypervisor/container"
)

// A container that ended is started again after these, and anything between; one
// that ran for healthyAfter starts over.
const (
	firstRestart, slowestRestart = time.Second, 5 * time.Minute
	healthyAfter                 = 10 * time.Minute
	powerOffGrace                = 2 * time.Second
)

// workload is a pod whose programs run.
type workload struct {
	node *Node
	pod  *corev1.Pod // as it was when they began
	dir  string
	// address is the pod's on this machine, where its programs are to listen.
	address string
	tokens  map[tokenKind]token
	stop    context.CancelFunc
	done    chan struct{} // closed when no process is left

	mu       sync.Mutex
	statuses map[string]*corev1.ContainerStatus
	kill     map[string]context.CancelFunc // of the processes that run
}

// processScheme is how the ids of containers begin that are processes.
const processScheme = "process://"

// start begins the programs of a pod that has an address.
func (n *Node) start(ctx context.Context, pod *corev1.Pod) (*workload, error) {
	w := &workload{
		node: n, pod: pod.DeepCopy(), dir: filepath.Join(n.Dir, string(pod.UID)), tokens: map[tokenKind]token{}, done: make(chan struct{}),
		statuses: map[string]*corev1.ContainerStatus{}, kill: map[string]context.CancelFunc{},
	}
	if err := w.volumes(ctx); err != nil {
		return nil, err
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			status := containerStatus(pod, &list[i])
			status.Started, status.State.Waiting = ptr.To(false), &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
			w.statuses[list[i].Name] = &status
		}
	}
	for _, had := range pod.Status.ContainerStatuses { // before this host was started again
		if had.State.Running != nil || had.RestartCount > 0 {
			w.statuses[had.Name].RestartCount = had.RestartCount + 1
		}
	}
	address, taken, err := takeAddress()
	if err != nil {
		return nil, err
	}
	w.address = address
	ctx, w.stop = context.WithCancel(n.life)
	go func() {
		defer close(w.done)
		defer func() { _ = taken.Close() }()
		w.run(ctx)
	}()
	return w, nil
}

// run returns when all containers have ended for good, or ctx has.
func (w *workload) run(ctx context.Context) {
	for i := range w.pod.Spec.InitContainers {
		if !w.keep(ctx, &w.pod.Spec.InitContainers[i], corev1.RestartPolicyOnFailure) {
			return
		}
	}
	var all sync.WaitGroup
	for i := range w.pod.Spec.Containers {
		all.Go(func() { w.keep(ctx, &w.pod.Spec.Containers[i], w.pod.Spec.RestartPolicy) })
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all.Wait()
	}()
	refresh := time.NewTicker(refreshEvery)
	defer refresh.Stop()
	for {
		select {
		case <-ended:
			return
		case <-refresh.C:
			if err := w.volumes(ctx); err != nil && ctx.Err() == nil {
				w.node.Log("kubelet: pod %s/%s: %v", w.pod.Namespace, w.pod.Name, err)
			}
		}
	}
}

// keep runs a container as often as the policy says; false if it did not end well.
func (w *workload) keep(ctx context.Context, c *corev1.Container, policy corev1.RestartPolicy) bool {
	program := w.node.Programs.Of(c.Image)
	if program == "" {
		w.simulate(c)
		return true
	}
	for delay := firstRestart; ; delay = min(2*delay, slowestRestart) {
		began := rightNow()
		code, problem := w.once(ctx, c, program)
		w.change(c.Name, func(s *corev1.ContainerStatus) {
			ended := &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Completed", StartedAt: began, FinishedAt: rightNow(), ContainerID: s.ContainerID}
			if code != 0 {
				ended.Reason, ended.Message = "Error", problem
			}
			s.State, s.Ready, s.Started = corev1.ContainerState{Terminated: ended}, false, ptr.To(false)
		})
		if ctx.Err() != nil || policy == corev1.RestartPolicyNever || policy == corev1.RestartPolicyOnFailure && code == 0 {
			return code == 0
		}
		if time.Since(began.Time) > healthyAfter {
			delay = firstRestart
		}
		w.change(c.Name, func(s *corev1.ContainerStatus) {
			s.LastTerminationState, s.RestartCount = s.State, s.RestartCount+1
			s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CrashLoopBackOff", Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)", delay, c.Name, w.pod.Name, w.pod.Namespace, w.pod.UID),
			}}
		})
		_ = w.node.event(ctx, w.pod, corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.Name, w.pod.Name))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(delay):
		}
	}
}

// simulate shows a container as running that shares its pod with a program.
func (w *workload) simulate(c *corev1.Container) {
	w.change(c.Name, func(s *corev1.ContainerStatus) {
		s.State, s.Ready, s.Started = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: rightNow()}}, true, ptr.To(true)
		for i := range w.pod.Spec.InitContainers {
			if w.pod.Spec.InitContainers[i].Name == c.Name {
				s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: rightNow(), FinishedAt: rightNow()}}
			}
		}
	})
}

// once runs the program until it ends. A problem is what kept it from beginning.
func (w *workload) once(ctx context.Context, c *corev1.Container, program string) (code int32, problem string) {
	// The process ends with the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command, log, err := w.command(ctx, c, program)
	if err == nil {
		defer log.close()
		err = command.Start()
	}
	if err != nil {
		_ = w.node.event(ctx, w.pod, corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
		return 128, err.Error()
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.kill[c.Name] = cancel
	w.mu.Unlock()
	w.change(c.Name, func(s *corev1.ContainerStatus) {
		s.ContainerID = processScheme + strconv.Itoa(command.Process.Pid)
		s.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: rightNow()}}
		s.Started, s.Ready = ptr.To(c.StartupProbe == nil), c.StartupProbe == nil && c.ReadinessProbe == nil
	})
	_ = w.node.event(ctx, w.pod, corev1.EventTypeNormal, "Started", fmt.Sprintf("Started container %s as process %d of this machine", c.Name, command.Process.Pid))
	var probes sync.WaitGroup
	probes.Go(func() { w.probe(running, c) })
	defer probes.Wait()
	defer cancel()
	stopped := context.AfterFunc(running, func() { w.end(command) })
	defer stopped()
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code >= 0 {
		return int32(code), ""
	}
	return 137, ""
}

// end asks a process to end, and makes it. The power off of a machine does not wait.
func (w *workload) end(command *exec.Cmd) {
	_ = command.Process.Signal(syscall.SIGTERM)
	grace := time.Duration(ptr.Deref(w.pod.Spec.TerminationGracePeriodSeconds, 30)) * time.Second
	if w.node.life.Err() != nil {
		grace = min(grace, powerOffGrace)
	}
	time.AfterFunc(grace, func() { _ = command.Process.Kill() })
}

// command is the process of a container, which writes to its log.
func (w *workload) command(ctx context.Context, c *corev1.Container, program string) (*exec.Cmd, *logFile, error) {
	environment, err := w.environment(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	spec := container.Spec{Root: filepath.Join(w.dir, "root", c.Name), Program: program, Env: listed(environment), Dir: c.WorkingDir, Hostname: w.pod.Name}
	if err := os.MkdirAll(spec.Root, 0o700); err != nil {
		return nil, nil, err
	}
	if len(c.Command) > 0 && filepath.Base(c.Command[0]) != filepath.Base(program) {
		return nil, nil, fmt.Errorf("the image's program is %q, and there is no %q beside it", filepath.Base(program), c.Command[0])
	}
	known := expansion.MappingFuncFor(environment)
	for _, argument := range append(append([]string{}, c.Command[min(1, len(c.Command)):]...), c.Args...) {
		spec.Args = append(spec.Args, expansion.Expand(argument, known))
	}
	for _, mount := range c.VolumeMounts {
		source := filepath.Join(w.volume(mount.Name), filepath.Clean("/"+mount.SubPath))
		writable := w.isEmptyDir(mount.Name)
		if writable {
			if err := os.MkdirAll(source, 0o700); err != nil {
				return nil, nil, err
			}
		}
		spec.Mounts = append(spec.Mounts, container.Mount{Source: source, Target: mount.MountPath, ReadOnly: mount.ReadOnly || !writable})
	}
	log, err := openLog(filepath.Join(w.dir, "logs", c.Name))
	if err != nil {
		return nil, nil, err
	}
	command, err := container.Command(w.node.Self, spec)
	if err != nil {
		log.close()
		return nil, nil, err
	}
	command.Stdout, command.Stderr = log.stream("stdout"), log.stream("stderr")
	return command, log, nil
}

func (w *workload) isEmptyDir(name string) bool {
	for i := range w.pod.Spec.Volumes {
		if w.pod.Spec.Volumes[i].Name == name {
			return w.pod.Spec.Volumes[i].EmptyDir != nil
		}
	}
	return false
}

// change changes what is known of a container, and has it reported.
func (w *workload) change(name string, change func(*corev1.ContainerStatus)) {
	w.mu.Lock()
	change(w.statuses[name])
	w.mu.Unlock()
	w.node.queue.Add(w.pod.Namespace + "/" + w.pod.Name)
}

// fill writes the state of its containers into a pod's status.
func (w *workload) fill(pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := rightNow()
	status := &pod.Status
	status.InitContainerStatuses, status.ContainerStatuses = nil, nil
	initialized, over, failed := true, true, false
	for i := range pod.Spec.InitContainers {
		one := w.statuses[pod.Spec.InitContainers[i].Name].DeepCopy()
		ended := one.State.Terminated
		one.Ready = ended != nil && ended.ExitCode == 0
		initialized = initialized && one.Ready
		status.InitContainerStatuses = append(status.InitContainerStatuses, *one)
	}
	for i := range pod.Spec.Containers {
		one := w.statuses[pod.Spec.Containers[i].Name].DeepCopy()
		ended := one.State.Terminated
		simulated := w.node.Programs.Of(one.Image) == ""
		over = over && (ended != nil || simulated)
		failed = failed || ended != nil && ended.ExitCode != 0
		status.ContainerStatuses = append(status.ContainerStatuses, *one)
	}
	status.Phase = corev1.PodRunning
	if !initialized {
		status.Phase = corev1.PodPending
	}
	setCondition(pod, "PodReadyToStartContainers", true, "", now)
	setCondition(pod, corev1.PodInitialized, initialized, "ContainersNotInitialized", now)
	readiness(pod, now)
	if over && initialized && pod.Spec.RestartPolicy != corev1.RestartPolicyAlways && (!failed || pod.Spec.RestartPolicy == corev1.RestartPolicyNever) {
		code, reason := int32(0), "Completed"
		if failed {
			code, reason = 1, "Error"
		}
		terminate(pod, now, code, reason)
	}
}

// rightNow is to the second, as the API server keeps it: what is reported once is
// not reported again.
func rightNow() metav1.Time { return metav1.Now().Rfc3339Copy() }

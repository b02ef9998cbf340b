package clusters

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aro-rp/aro/backend/controlplane"
	"github.com/aro-rp/aro/local/home"
	"github.com/aro-rp/aro/local/supervisor"
)

// askTimeout bounds one question to an API server; a healthy one needs milliseconds.
const askTimeout = 2 * time.Second

// cluster is a home and the process that is kept running in it.
type cluster struct {
	home    home.Home
	process *supervisor.Process
	cancel  context.CancelFunc
	done    chan struct{}
	client  *kubernetes.Clientset
}

// newClient reaches the API server of h as its administrator.
func newClient(h home.Home) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", h.KubeconfigFile(home.Admin))
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // callers have their own pace
	return kubernetes.NewForConfig(config)
}

// kill returns when the process is gone. What it keeps is of no use any more.
func (c *cluster) kill() {
	c.cancel()
	c.process.Kill()
	<-c.done
}

// status is looked up, never remembered: it is true at the time of asking.
func (c *cluster) status(ctx context.Context) (controlplane.Status, error) {
	spec, err := c.home.Spec()
	if err != nil {
		return controlplane.Status{}, err
	}
	status := controlplane.Status{
		APIServerIP: home.Host,
		ConsoleURL:  "https://console-openshift-console.apps." + spec.Domain + "/",
		IngressIP:   home.Host,
		NodesWanted: spec.Masters.Count,
	}
	for _, pool := range spec.Workers {
		status.NodesWanted += pool.Count
	}
	port, err := c.home.Port()
	if err != nil {
		return controlplane.Status{}, err
	}
	status.APIServerURL = home.URL(port)
	if status.AdminKubeconfig, err = c.home.AdminKubeconfig(); err != nil {
		return controlplane.Status{}, err
	}
	if status.KubeadminPassword, err = c.home.Password(); err != nil {
		return controlplane.Status{}, err
	}
	c.observe(ctx, &status)
	return status, nil
}

// observe fills in what only the running cluster knows.
func (c *cluster) observe(ctx context.Context, status *controlplane.Status) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if status.Message = c.booting(); status.Message != "" {
		return
	}
	if _, err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		status.Message = "starting the API server"
		return
	}
	status.APIServerReady = true
	list, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		status.Message = "API server answers, waiting for nodes"
		return
	}
	status.NodesReady = ready(list.Items)
	if status.NodesReady != status.NodesWanted {
		status.Message = fmt.Sprintf("%d of %d nodes ready", status.NodesReady, status.NodesWanted)
	}
}

// booting tells what must happen before the API server can be asked.
func (c *cluster) booting() string {
	if c.process.PID() == 0 {
		if exit := c.process.Exit(); exit != nil {
			return fmt.Sprintf("starting again after %v", exit)
		}
		return "starting a process"
	}
	if _, err := os.Stat(filepath.Join(c.home.Dir(), home.EtcdSocket)); err != nil {
		return "starting etcd"
	}
	return ""
}

func ready(nodes []corev1.Node) int {
	n := 0
	for _, node := range nodes {
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				n++
			}
		}
	}
	return n
}

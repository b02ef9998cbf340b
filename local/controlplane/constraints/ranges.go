package constraints

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	securityv1 "github.com/openshift/api/security/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/kubernetes/pkg/apis/core"
)

// Namespaces have blocks of ids one after another, of which the first begins at
// firstID, and for each block so many labels of SELinux.
const (
	firstID         = 1000000000
	blockSize       = 10000
	blocks          = 100000
	labelsPerBlock  = 5
	categories      = 1024
	labelsOfSELinux = categories * (categories - 1) / 2
)

// Annotations are the ranges of the n-th namespace, as OpenShift's controller of
// namespaces notes them.
func Annotations(n int) map[string]string {
	block := fmt.Sprintf("%d/%d", firstID+n*blockSize, blockSize)
	return map[string]string{
		securityv1.UIDRangeAnnotation: block, securityv1.SupplementalGroupsAnnotation: block, securityv1.MCSAnnotation: label(n * labelsPerBlock % labelsOfSELinux),
	}
}

// label is the n-th pair of categories.
func label(n int) string {
	high := 1
	for n >= high {
		n -= high
		high++
	}
	return fmt.Sprintf("s0:c%d,c%d", high, n)
}

// block is the number of the block that a namespace has, or -1.
func block(annotations map[string]string) int {
	first, _, err := parseBlock(annotations[securityv1.UIDRangeAnnotation])
	if err != nil || first < firstID || (first-firstID)/blockSize >= blocks {
		return -1
	}
	return int((first - firstID) / blockSize)
}

// ranges are what a namespace has for its pods.
type ranges struct {
	firstUser, lastUser int64
	groups              []securityv1.IDRange
	level               string
}

func rangesOf(namespace *corev1.Namespace) (r ranges, err error) {
	for _, name := range []string{securityv1.UIDRangeAnnotation, securityv1.MCSAnnotation} {
		if namespace.Annotations[name] == "" {
			return r, fmt.Errorf("unable to find annotation %s", name)
		}
	}
	r.level = namespace.Annotations[securityv1.MCSAnnotation]
	if r.firstUser, r.lastUser, err = parseBlock(namespace.Annotations[securityv1.UIDRangeAnnotation]); err != nil {
		return r, err
	}
	groups := namespace.Annotations[securityv1.SupplementalGroupsAnnotation]
	if groups == "" {
		groups = namespace.Annotations[securityv1.UIDRangeAnnotation]
	}
	for part := range strings.SplitSeq(groups, ",") {
		first, last, err := parseBlock(part)
		if err != nil {
			return r, err
		}
		r.groups = append(r.groups, securityv1.IDRange{Min: first, Max: last})
	}
	return r, nil
}

// parseBlock reads FIRST/SIZE or FIRST-LAST.
func parseBlock(text string) (first, last int64, err error) {
	from, size, bySize := strings.Cut(text, "/")
	to := ""
	if !bySize {
		from, to, _ = strings.Cut(text, "-")
	}
	first, err = strconv.ParseInt(from, 10, 64)
	if err == nil && bySize {
		last, err = strconv.ParseInt(size, 10, 64)
		last += first - 1
	} else if err == nil {
		last, err = strconv.ParseInt(to, 10, 64)
	}
	if err != nil || last < first {
		return 0, 0, fmt.Errorf("block %q not in the format \"<start>/<size>\" or \"<start>-<end>\"", text)
	}
	return first, last, nil
}

// NamespacePluginName is the plugin that gives namespaces their ranges.
const NamespacePluginName = "security.openshift.io/NamespaceSecurityAllocation"

// namespaces is that plugin. OpenShift has a controller for it, which pods wait for;
// here a namespace has its ranges from the start.
type namespaces struct {
	*admission.Handler
	lister corev1listers.NamespaceLister

	mu    sync.Mutex
	given int // the last block
}

var _ = initializer.WantsExternalKubeInformerFactory(&namespaces{})

// NewNamespaces returns the plugin that gives namespaces their ranges.
func NewNamespaces() admission.Interface {
	return &namespaces{Handler: admission.NewHandler(admission.Create, admission.Update), given: -1}
}

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (n *namespaces) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	n.lister = f.Core().V1().Namespaces().Lister()
}

// ValidateInitialization implements admission.InitializationValidator.
func (n *namespaces) ValidateInitialization() error { return nil }

// Admit implements admission.MutationInterface.
func (n *namespaces) Admit(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	namespace, is := a.GetObject().(*core.Namespace)
	if !is || a.GetSubresource() != "" || namespace.Annotations[securityv1.UIDRangeAnnotation] != "" && namespace.Annotations[securityv1.MCSAnnotation] != "" {
		return nil
	}
	free, err := n.free()
	if err != nil {
		return admission.NewForbidden(a, err)
	}
	namespace.Annotations = withAnnotations(namespace.Annotations, Annotations(free))
	return nil
}

// free finds a block that no namespace has, the longest after it had one.
func (n *namespaces) free() (int, error) {
	list, err := n.lister.List(labels.Everything())
	if err != nil {
		return 0, err
	}
	taken, last := map[int]bool{}, -1
	for _, namespace := range list {
		have := block(namespace.Annotations)
		taken[have], last = true, max(last, have)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.given = max(n.given, last)
	for range blocks {
		if n.given = (n.given + 1) % blocks; !taken[n.given] {
			return n.given, nil
		}
	}
	return 0, fmt.Errorf("all %d blocks of user ids are taken", blocks)
}

// Register adds both plugins to those of an API server, and returns their names in
// the order in which they have to run.
func Register(plugins *admission.Plugins, constraints Lister) (names []string) {
	// The servers of a chain share the plugins.
	forNamespaces, forPods := NewNamespaces(), NewPods(constraints)
	plugins.Register(NamespacePluginName, func(io.Reader) (admission.Interface, error) { return forNamespaces, nil })
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return forPods, nil })
	return []string{NamespacePluginName, PluginName}
}

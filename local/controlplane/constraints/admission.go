// Package constraints admits pods as OpenShift does: each has to fit one of the
// security context constraints that its user or its service account may use, which
// fill in what the pod leaves open. It also gives every namespace the ranges of ids
// that they fill in from.
//
// It runs within the API server, as plugins of its admission.
package constraints

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	securityv1 "github.com/openshift/api/security/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/helper"
	"k8s.io/kubernetes/pkg/registry/rbac"
)

// PluginName is that of OpenShift's plugin.
const PluginName = "security.openshift.io/SecurityContextConstraint"

// A pod waits so long for the constraints, which a server that just began has not
// read yet.
const (
	patience = 10 * time.Second
	poll     = 50 * time.Millisecond
)

// Lister lists the constraints, once it has read them.
type Lister interface {
	HasSynced() bool
	List() []*securityv1.SecurityContextConstraints
}

// pods is the plugin that admits pods.
type pods struct {
	*admission.Handler
	constraints Lister
	namespaces  corev1listers.NamespaceLister
	synced      cache.InformerSynced
	authorizer  authorizer.Authorizer
}

var (
	_ admission.MutationInterface   = (*pods)(nil)
	_ admission.ValidationInterface = (*pods)(nil)
	_ admission.InitializationValidator
	_ = initializer.WantsAuthorizer(&pods{})
	_ = initializer.WantsExternalKubeInformerFactory(&pods{})
)

// NewPods returns the plugin that admits pods by the constraints.
func NewPods(constraints Lister) admission.Interface {
	return &pods{Handler: admission.NewHandler(admission.Create, admission.Update), constraints: constraints}
}

// SetAuthorizer implements initializer.WantsAuthorizer.
func (p *pods) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *pods) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	p.namespaces, p.synced = f.Core().V1().Namespaces().Lister(), f.Core().V1().Namespaces().Informer().HasSynced
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *pods) ValidateInitialization() error {
	if p.authorizer == nil || p.namespaces == nil || p.constraints == nil {
		return errors.New(PluginName + " is not complete")
	}
	return nil
}

// Admit implements admission.MutationInterface: a new pod gets what the first
// constraints that it fits fill in.
func (p *pods) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, ignore, err := concerned(a)
	if err != nil || ignore {
		return err
	}
	name, admitted, err := p.find(ctx, a, pod, a.GetOperation() == admission.Create)
	if err != nil {
		return err
	}
	*pod = *admitted
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[securityv1.ValidatedSCCAnnotation] = name
	return nil
}

// Validate implements admission.ValidationInterface: what others made of the pod
// since has to fit, too.
func (p *pods) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, ignore, err := concerned(a)
	if err != nil || ignore {
		return err
	}
	_, _, err = p.find(ctx, a, pod, false)
	return err
}

// concerned returns the pod that a request creates or changes. Changes of nothing but
// what garbage collection needs are ignored: they are always allowed.
func concerned(a admission.Attributes) (pod *core.Pod, ignore bool, err error) {
	if a.GetResource().GroupResource() != core.Resource("pods") || a.GetSubresource() != "" {
		return nil, true, nil
	}
	pod, is := a.GetObject().(*core.Pod)
	if !is {
		return nil, false, admission.NewForbidden(a, fmt.Errorf("object was marked as kind pod but was unable to be converted: %v", a.GetObject()))
	}
	if pod.Spec.OS != nil && pod.Spec.OS.Name == core.Windows {
		return nil, true, nil
	}
	return pod, a.GetOperation() == admission.Update && rbac.IsOnlyMutatingGCFields(pod, a.GetOldObject(), helper.Semantic), nil
}

// find returns the first constraints that a pod fits, and the pod with their defaults.
// If fill is not set the pod must have them already.
func (p *pods) find(ctx context.Context, a admission.Attributes, pod *core.Pod, fill bool) (string, *core.Pod, error) {
	ranges, err := p.ranges(ctx, a.GetNamespace())
	if err != nil {
		return "", nil, admission.NewForbidden(a, err)
	}
	who := []user.Info{author(a.GetUserInfo(), pod)}
	if pod.Spec.ServiceAccountName != "" {
		who = append(who, serviceaccount.UserInfo(a.GetNamespace(), pod.Spec.ServiceAccountName, ""))
	}
	var problems field.ErrorList
	denied := map[string]*provider{}
	all, err := candidates(p.constraints.List(), pod.Annotations, !fill)
	if err != nil {
		return "", nil, admission.NewForbidden(a, err)
	}
	for _, c := range all {
		provider := newProvider(c, ranges)
		if !p.usable(ctx, c, a.GetNamespace(), who) {
			denied[c.Name] = provider
			problems = append(problems, field.Forbidden(field.NewPath(fmt.Sprintf("provider %q", c.Name)), "not usable by user or serviceaccount"))
			continue
		}
		made := pod.DeepCopy()
		found := provider.apply(made)
		problems = append(problems, found...)
		if len(found) == 0 && (fill || equality.Semantic.DeepEqual(pod, made)) {
			return c.Name, made, nil
		}
	}
	if older := denied["restricted"]; older != nil && len(older.apply(pod.DeepCopy())) == 0 {
		problems = append(problems, field.Forbidden(field.NewPath("no access to scc/restricted"),
			"the pod fails to validate against the `restricted-v2` security context constraint, but would validate successfully against the `restricted` security context constraint"))
	}
	return "", nil, admission.NewForbidden(a, fmt.Errorf("unable to validate against any security context constraint: %w", problems.ToAggregate()))
}

// administrator is the user of Kubernetes' own controllers in these clusters.
const administrator = "system:admin"

// author is the user that makes a pod. Kubernetes' controllers make theirs for others:
// in OpenShift they have service accounts for it, which may use what all users may.
func author(who user.Info, pod *core.Pod) user.Info {
	controller := metav1.GetControllerOf(pod)
	if who.GetName() != administrator || controller == nil {
		return who
	}
	name := serviceaccount.MakeUsername(metav1.NamespaceSystem, strings.ToLower(controller.Kind)+"-controller")
	return &user.DefaultInfo{Name: name, Groups: append(serviceaccount.MakeGroupNames(metav1.NamespaceSystem), user.AllAuthenticated)}
}

// candidates are the constraints in the order in which they are tried: the ones that
// the pod requires alone, otherwise first the ones that it was admitted by.
func candidates(all []*securityv1.SecurityContextConstraints, annotations map[string]string, admitted bool) ([]*securityv1.SecurityContextConstraints, error) {
	if required := annotations[securityv1.RequiredSCCAnnotation]; required != "" {
		i := slices.IndexFunc(all, func(c *securityv1.SecurityContextConstraints) bool { return c.Name == required })
		if i < 0 {
			return nil, fmt.Errorf("required scc/%s not found", required)
		}
		return all[i : i+1], nil
	}
	sorted := slices.SortedFunc(slices.Values(all), compare)
	before := annotations[securityv1.ValidatedSCCAnnotation]
	if !admitted {
		return sorted, nil
	}
	slices.SortStableFunc(sorted, func(a, b *securityv1.SecurityContextConstraints) int {
		return cmp.Compare(rank(a.Name == before), rank(b.Name == before))
	})
	return sorted, nil
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// usable reports whether the pod's user or its service account may use the constraints.
func (p *pods) usable(ctx context.Context, c *securityv1.SecurityContextConstraints, namespace string, who []user.Info) bool {
	for _, one := range who {
		if slices.Contains(c.Users, one.GetName()) || slices.ContainsFunc(one.GetGroups(), func(group string) bool { return slices.Contains(c.Groups, group) }) {
			return true
		}
		decision, _, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
			User: one, Verb: "use", Namespace: namespace, Name: c.Name, APIGroup: securityv1.GroupName, Resource: "securitycontextconstraints", ResourceRequest: true,
		})
		if err == nil && decision == authorizer.DecisionAllow {
			return true
		}
	}
	return false
}

// ranges are those of the pod's namespace, once they and the constraints are known.
func (p *pods) ranges(ctx context.Context, namespace string) (ranges, error) {
	var found ranges
	problem := errors.New("securitycontextconstraints.security.openshift.io cache is not synchronized")
	err := wait.PollUntilContextTimeout(ctx, poll, patience, true, func(context.Context) (bool, error) {
		if !p.constraints.HasSynced() || !p.synced() {
			return false, nil
		}
		var object, err = p.namespaces.Get(namespace)
		if err == nil {
			found, err = rangesOf(object)
		}
		if problem = err; err != nil {
			problem = fmt.Errorf("error fetching namespace %q: %w", namespace, err)
		}
		return err == nil, nil
	})
	if err != nil && problem != nil {
		return found, problem
	}
	return found, err
}

// withAnnotations adds annotations to a map that others may read.
func withAnnotations(have, more map[string]string) map[string]string {
	all := maps.Clone(more)
	maps.Copy(all, have)
	return all
}

package projects

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	projectv1 "github.com/openshift/api/project/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternal "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// resource is how OpenShift's messages name projects.
var resource = schema.GroupResource{Group: projectv1.GroupName, Resource: "project"}

// What people call a project.
const (
	displayName = "openshift.io/display-name"
	description = "openshift.io/description"
)

// storage shows namespaces as projects.
type storage struct {
	namespaces corev1client.NamespaceInterface
	authorizer authorizer.Authorizer
}

var (
	_ rest.Lister               = (*storage)(nil)
	_ rest.Watcher              = (*storage)(nil)
	_ rest.CreaterUpdater       = (*storage)(nil)
	_ rest.GracefulDeleter      = (*storage)(nil)
	_ rest.Scoper               = (*storage)(nil)
	_ rest.SingularNameProvider = (*storage)(nil)
)

// New implements rest.Storage.
func (*storage) New() runtime.Object { return &projectv1.Project{} }

// NewList implements rest.Lister.
func (*storage) NewList() runtime.Object { return &projectv1.ProjectList{} }

// Destroy implements rest.Storage.
func (*storage) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (*storage) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (*storage) GetSingularName() string { return "project" }

func projectOf(namespace *corev1.Namespace) *projectv1.Project {
	made := &projectv1.Project{
		ObjectMeta: namespace.ObjectMeta,
		Spec:       projectv1.ProjectSpec{Finalizers: namespace.Spec.Finalizers},
		Status:     projectv1.ProjectStatus{Phase: namespace.Status.Phase, Conditions: namespace.Status.Conditions},
	}
	made.ManagedFields = nil // of another kind
	return made
}

func namespaceOf(project *projectv1.Project) *corev1.Namespace {
	made := &corev1.Namespace{ObjectMeta: project.ObjectMeta, Spec: corev1.NamespaceSpec{Finalizers: project.Spec.Finalizers}}
	made.ManagedFields = nil
	return made
}

// Get implements rest.Getter. The API server has authorized the caller before.
func (s *storage) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	namespace, err := s.namespaces.Get(ctx, name, *options)
	if err != nil {
		return nil, err
	}
	return projectOf(namespace), nil
}

// visible reports whether someone may see a namespace.
func (s *storage) visible(ctx context.Context, name string) bool {
	return allowed(ctx, s.authorizer, authorizer.AttributesRecord{Verb: "get", APIVersion: "v1", Resource: "namespaces", Namespace: name, Name: name})
}

func listOptions(options *metainternal.ListOptions) metav1.ListOptions {
	if options == nil {
		return metav1.ListOptions{}
	}
	made := metav1.ListOptions{
		ResourceVersion: options.ResourceVersion, ResourceVersionMatch: options.ResourceVersionMatch, TimeoutSeconds: options.TimeoutSeconds,
		AllowWatchBookmarks: options.AllowWatchBookmarks, Limit: options.Limit, Continue: options.Continue, SendInitialEvents: options.SendInitialEvents,
	}
	if options.LabelSelector != nil {
		made.LabelSelector = options.LabelSelector.String()
	}
	if options.FieldSelector != nil {
		made.FieldSelector = options.FieldSelector.String()
	}
	return made
}

// List implements rest.Lister.
func (s *storage) List(ctx context.Context, options *metainternal.ListOptions) (runtime.Object, error) {
	namespaces, err := s.namespaces.List(ctx, listOptions(options))
	if err != nil {
		return nil, err
	}
	list := &projectv1.ProjectList{ListMeta: namespaces.ListMeta, Items: []projectv1.Project{}}
	for i := range namespaces.Items {
		if s.visible(ctx, namespaces.Items[i].Name) {
			list.Items = append(list.Items, *projectOf(&namespaces.Items[i]))
		}
	}
	return list, nil
}

// Watch implements rest.Watcher. Access to a namespace is checked at each of its changes, and now and then, for roles change
// without it.
func (s *storage) Watch(ctx context.Context, options *metainternal.ListOptions) (watch.Interface, error) {
	v := newView(func(name string) bool { return s.visible(ctx, name) })
	asked := listOptions(options)
	if asked.ResourceVersion != "" && asked.ResourceVersion != "0" { // the caller has a list
		have, err := s.namespaces.List(ctx, metav1.ListOptions{ResourceVersion: "0", LabelSelector: asked.LabelSelector, FieldSelector: asked.FieldSelector})
		if err != nil {
			return nil, err
		}
		for i := range have.Items {
			v.had(&have.Items[i])
		}
	}
	changes, err := s.namespaces.Watch(ctx, asked)
	if err != nil {
		return nil, err
	}
	look := time.NewTicker(rolesPoll)
	return v.watch(changes, look.C, look.Stop), nil
}

// Create implements rest.Creater.
func (s *storage) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	project := object.(*projectv1.Project)
	if problems := check(&project.ObjectMeta); len(problems) > 0 {
		return nil, apierrors.NewInvalid(projectv1.GroupVersion.WithKind("Project").GroupKind(), project.Name, problems)
	}
	if err := validate(ctx, project.DeepCopy()); err != nil {
		return nil, err
	}
	namespace, err := s.namespaces.Create(ctx, namespaceOf(project), *options)
	if apierrors.IsAlreadyExists(err) {
		return nil, apierrors.NewAlreadyExists(resource, project.Name)
	}
	if err != nil {
		return nil, err
	}
	return projectOf(namespace), nil
}

// check is stricter than Kubernetes is with namespaces.
func check(object *metav1.ObjectMeta) field.ErrorList {
	path := field.NewPath("metadata")
	problems := validation.ValidateObjectMeta(object, false, func(name string, prefix bool) []string {
		if len(name) < 2 {
			return []string{"must be at least 2 characters long"}
		}
		return validation.ValidateNamespaceName(name, prefix)
	}, path)
	if own := object.Annotations[displayName]; strings.ContainsAny(own, "\n\t") {
		problems = append(problems, field.Invalid(path.Child("annotations").Key(displayName), own, "may not contain a new line or tab"))
	}
	return problems
}

// Update implements rest.Updater: what people call a project may change, and nothing else.
func (s *storage) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, _ rest.ValidateObjectFunc, validate rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	before, err := s.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, false, err
	}
	object, err := info.UpdatedObject(ctx, before)
	if err != nil {
		return nil, false, err
	}
	project := object.(*projectv1.Project)
	if problems := append(check(&project.ObjectMeta), checkUpdate(project, before.(*projectv1.Project))...); len(problems) > 0 {
		return nil, false, apierrors.NewInvalid(projectv1.GroupVersion.WithKind("Project").GroupKind(), name, problems)
	}
	if err := validate(ctx, project.DeepCopy(), before); err != nil {
		return nil, false, err
	}
	namespace, err := s.namespaces.Update(ctx, namespaceOf(project), *options)
	if err != nil {
		return nil, false, err
	}
	return projectOf(namespace), false, nil
}

func checkUpdate(project, before *projectv1.Project) (problems field.ErrorList) {
	const fixed = "field is immutable, try updating the namespace"
	without := func(all map[string]string) map[string]string {
		rest := maps.Clone(all)
		delete(rest, displayName)
		delete(rest, description)
		return rest
	}
	for _, part := range []struct {
		name         string
		have, before map[string]string
	}{
		{"annotations", without(project.Annotations), without(before.Annotations)}, {"labels", project.Labels, before.Labels},
	} {
		path := field.NewPath("metadata", part.name)
		for name, value := range part.have {
			if old, had := part.before[name]; !had || old != value {
				problems = append(problems, field.Invalid(path.Key(name), value, fixed))
			}
		}
		for name, value := range part.before {
			if _, has := part.have[name]; !has {
				problems = append(problems, field.Invalid(path.Key(name), value, fixed))
			}
		}
	}
	return problems
}

// Delete implements rest.GracefulDeleter.
func (s *storage) Delete(ctx context.Context, name string, _ rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	return &metav1.Status{Status: metav1.StatusSuccess}, false, s.namespaces.Delete(ctx, name, *options)
}

// ConvertToTable implements rest.TableConvertor.
func (s *storage) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{ColumnDefinitions: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "The project's name."},
		{Name: "Display Name", Type: "string", Description: "What people call the project."},
		{Name: "Status", Type: "string", Description: "The phase of the project's life."},
	}}
	row := func(p *projectv1.Project) {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{p.Name, p.Annotations[displayName], string(p.Status.Phase)}, Object: runtime.RawExtension{Object: p}})
	}
	switch object := object.(type) {
	case *projectv1.ProjectList:
		table.ListMeta = object.ListMeta
		for i := range object.Items {
			row(&object.Items[i])
		}
	case *projectv1.Project:
		table.ResourceVersion = object.ResourceVersion
		row(object)
	default:
		return nil, fmt.Errorf("%T is no project", object)
	}
	return table, nil
}

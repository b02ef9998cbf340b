package projects

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	projectv1 "github.com/openshift/api/project/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternal "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	rbacv1client "k8s.io/client-go/kubernetes/typed/rbac/v1"
)

// A new project is shown once its requester may see it, or after a while.
const (
	visiblePoll     = 20 * time.Millisecond
	visiblePatience = 5 * time.Second
)

// adminRole is the role of the requester in the new project.
const adminRole = "admin"

// reserved are the names that people cannot ask for, alone or before a dash.
var reserved = []string{"openshift", "kubernetes", "kube"}

// requests makes projects for people who may not make namespaces.
type requests struct {
	projects   *storage
	bindings   rbacv1client.RoleBindingsGetter
	authorizer authorizer.Authorizer
}

var (
	_ rest.Creater              = (*requests)(nil)
	_ rest.Lister               = (*requests)(nil)
	_ rest.Scoper               = (*requests)(nil)
	_ rest.SingularNameProvider = (*requests)(nil)
)

// New implements rest.Storage.
func (*requests) New() runtime.Object { return &projectv1.ProjectRequest{} }

// NewList implements rest.Lister.
func (*requests) NewList() runtime.Object { return &metav1.Status{} }

// Destroy implements rest.Storage.
func (*requests) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (*requests) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (*requests) GetSingularName() string { return "projectrequest" }

// Create implements rest.Creater.
func (r *requests) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	asked := object.(*projectv1.ProjectRequest)
	who, known := request.UserFrom(ctx)
	if !known {
		return nil, apierrors.NewForbidden(resource, asked.Name, fmt.Errorf("a user must be provided"))
	}
	if problems := check(&asked.ObjectMeta); len(problems) > 0 {
		return nil, apierrors.NewInvalid(projectv1.GroupVersion.WithKind("ProjectRequest").GroupKind(), asked.Name, problems)
	}
	if slices.Contains(reserved, asked.Name) {
		return nil, apierrors.NewForbidden(resource, asked.Name, fmt.Errorf("cannot request a project with the name %q", asked.Name))
	}
	for _, name := range reserved {
		if strings.HasPrefix(asked.Name, name+"-") {
			return nil, apierrors.NewForbidden(resource, asked.Name, fmt.Errorf("cannot request a project starting with %q", name+"-"))
		}
	}
	project := &projectv1.Project{ObjectMeta: metav1.ObjectMeta{Name: asked.Name, Annotations: map[string]string{
		description: asked.Description, displayName: asked.DisplayName, projectv1.ProjectRequesterAnnotation: who.GetName(),
	}}}
	made, err := r.projects.Create(ctx, project, validate, options)
	if err != nil || len(options.DryRun) > 0 {
		return made, err
	}
	if err := r.bind(ctx, asked.Name, who.GetName()); err != nil {
		_ = r.projects.namespaces.Delete(ctx, asked.Name, metav1.DeleteOptions{}) // it would have no users
		return nil, apierrors.NewInternalError(err)
	}
	return r.projects.Get(ctx, asked.Name, &metav1.GetOptions{})
}

// bind makes a user the administrator of a project, and waits until that has effect.
func (r *requests) bind(ctx context.Context, project, name string) error {
	_, err := r.bindings.RoleBindings(project).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: adminRole},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: adminRole},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: name}},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("role binding %s: %w", adminRole, err)
	}
	_ = wait.PollUntilContextTimeout(ctx, visiblePoll, visiblePatience, true, func(ctx context.Context) (bool, error) {
		return r.projects.visible(ctx, project), nil
	})
	return nil
}

// List implements rest.Lister: it reports whether a user may request projects.
func (r *requests) List(ctx context.Context, _ *metainternal.ListOptions) (runtime.Object, error) {
	what := authorizer.AttributesRecord{Verb: "create", APIGroup: projectv1.GroupName, APIVersion: projectv1.GroupVersion.Version, Resource: "projectrequests"}
	if allowed(ctx, r.authorizer, what) {
		return &metav1.Status{Status: metav1.StatusSuccess}, nil
	}
	refused := apierrors.NewForbidden(projectv1.Resource("projectrequest"), "", nil)
	refused.ErrStatus.Message = "You may not request a new project via this API."
	return nil, refused
}

// ConvertToTable implements rest.TableConvertor.
func (*requests) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	if project, is := object.(*projectv1.Project); is {
		return (*storage)(nil).ConvertToTable(ctx, project, options)
	}
	table := &metav1.Table{ColumnDefinitions: []metav1.TableColumnDefinition{{Name: "Status", Type: "string", Description: "Whether projects may be requested."}}}
	if status, is := object.(*metav1.Status); is {
		table.Rows = []metav1.TableRow{{Cells: []any{status.Status}}}
	}
	return table, nil
}

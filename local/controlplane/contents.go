package controlplane

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
	"github.com/aro-rp/aro/local/controlplane/constraints"
	"github.com/aro-rp/aro/local/controlplane/machineapi"
	"github.com/aro-rp/aro/local/controlplane/operators"
	"github.com/aro-rp/aro/local/controlplane/prepared"
	"github.com/aro-rp/aro/local/controlplane/projects"
	"github.com/aro-rp/aro/local/generated/crds"
	"github.com/aro-rp/aro/local/platform"
)

// fill spares a new cluster what all new clusters do alike: it takes an API server
// seconds to accept the CRDs of OpenShift one by one.
func (p *plane) fill(ctx context.Context, kv clientv3.KV) (filled bool, err error) {
	contents, err := p.newContents()
	if err != nil {
		return false, err
	}
	if err := contents.AddSystem(); err != nil {
		return false, err
	}
	rootCA, err := os.ReadFile(p.disk.CertificateFile(bootstrap.ServerAuthorities))
	if err != nil {
		return false, err
	}
	for i, name := range append([]string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, "kube-node-lease"}, namespaces...) {
		if err := contents.AddNamespace(name, constraints.Annotations(i), string(rootCA)); err != nil {
			return false, err
		}
	}
	workloads := platform.Objects()
	for _, object := range platform.Running(workloads, p.masters(), time.Now()) {
		if err := contents.Add(object); err != nil {
			return false, fmt.Errorf("%T %s: %w", object, object.GetName(), err)
		}
	}
	if err := p.addDefaults(contents, p.inManifests(), workloads); err != nil {
		return false, err
	}
	return contents.Fill(ctx, kv)
}

// masters are the names of the nodes that the installer's machines become.
func (p *plane) masters() (names []string) {
	for _, object := range p.config.Manifests {
		if object.GetKind() == "Machine" && object.GetLabels()[machineapi.RoleLabel] == "master" {
			names = append(names, strings.ToLower(object.GetName()))
		}
	}
	return names
}

// defaults are the objects that come back when someone deletes them.
func (p *plane) defaults() (*prepared.Contents, error) {
	contents, err := p.newContents()
	if err != nil {
		return nil, err
	}
	return contents, p.addDefaults(contents, nil, platform.Objects())
}

// objectName also distinguishes objects of different kinds.
type objectName struct {
	kind schema.GroupKind
	key  client.ObjectKey
}

func (p *plane) inManifests() map[objectName]bool {
	names := map[objectName]bool{}
	for _, object := range p.config.Manifests {
		names[objectName{object.GroupVersionKind().GroupKind(), client.ObjectKeyFromObject(object)}] = true
	}
	return names
}

// newContents has the definitions of OpenShift.
func (p *plane) newContents() (*prepared.Contents, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	contents := prepared.New(scheme)
	list, err := crds.List()
	if err != nil {
		return nil, err
	}
	for _, object := range list {
		crd, err := definition(object)
		if err != nil {
			return nil, err
		}
		if err := contents.Define(crd); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

// addDefaults omits what others bring.
func (p *plane) addDefaults(contents *prepared.Contents, without map[objectName]bool, workloads []client.Object) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	for _, object := range slices.Concat(operators.Defaults(), workloads, []client.Object{projects.Registration()}) {
		kind, err := apiutil.GVKForObject(object, scheme)
		if err != nil {
			return err
		}
		if without[objectName{kind.GroupKind(), client.ObjectKeyFromObject(object)}] {
			continue
		}
		if err := contents.Add(object); err != nil {
			return fmt.Errorf("%T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}

package controlplane_test

import (
	"errors"
	"testing"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// preparedPasses has the API server validate what was written past it: it takes no
// object unchanged that it would not have taken new.
func (s *suite) preparedPasses(t *testing.T) {
	config := s.process.reach(t, []byte(s.cluster.AdminKubeconfig))
	objects := dynamic.NewForConfigOrDie(config)
	lists, err := discovery.NewDiscoveryClientForConfigOrDie(config).ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	judged := map[string]int{}
	for _, list := range lists {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range list.APIResources {
			if !prepared[resource.Name] && !openshift(group.Group) || group.Group == projects.Group {
				continue
			}
			found, err := objects.Resource(group.WithResource(resource.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Errorf("%s: %v", resource.Name, err)
				continue
			}
			for i := range found.Items {
				object := &found.Items[i]
				_, err := objects.Resource(group.WithResource(resource.Name)).Namespace(object.GetNamespace()).Update(t.Context(), object, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
				if err != nil && !apierrors.IsConflict(err) {
					t.Errorf("%s %s/%s: %v", resource.Name, object.GetNamespace(), object.GetName(), err)
				}
				if object.GetUID() == "" || object.GetCreationTimestamp().Unix() <= 0 {
					t.Errorf("%s %s/%s has no identity", resource.Name, object.GetNamespace(), object.GetName())
				}
				judged[resource.Name]++
			}
		}
	}
	for name := range prepared {
		if judged[name] == 0 {
			t.Errorf("there are no %s", name)
		}
	}
	t.Log(judged)
}

// prepared are kinds of Kubernetes itself; all of OpenShift's come to them.
var prepared = map[string]bool{
	"namespaces": true, "serviceaccounts": true, "configmaps": true, "clusterroles": true, "clusterrolebindings": true,
	"roles": true, "rolebindings": true, "storageclasses": true, "customresourcedefinitions": true, "securitycontextconstraints": true, "ingresscontrollers": true,
	"deployments": true, "daemonsets": true, "statefulsets": true,
}

func openshift(group string) bool {
	const domain = ".openshift.io"
	return len(group) > len(domain) && group[len(group)-len(domain):] == domain
}

func (s *suite) defaultsComeBack(t *testing.T) {
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "managed-csi"}}
	if err := s.admin.Delete(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the class is there again", func() error {
		err := s.admin.Get(t.Context(), client.ObjectKeyFromObject(class), class)
		if err == nil && class.Provisioner != "disk.csi.azure.com" {
			err = errors.New("it is another")
		}
		return err
	})
}

#!/usr/bin/env bash
# k8s.io/apiextensions-apiserver v0.34.1, with etcd 3.6.4: a POST of an object that
# follows its CustomResourceDefinition by less than two seconds is held for two seconds,
# although the definition says Established. A server-side apply that creates the same
# object is not held, and neither is a POST when the time of the condition Established
# is older. A client that creates a definition and then its first object gets the
# object two seconds sooner by an apply.
#
# Seen: the output below. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >held_test.go <<'GO'
package finding

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	servertesting "k8s.io/apiextensions-apiserver/pkg/cmd/server/testing"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

func etcd(t *testing.T) string {
	port := func() url.URL {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return url.URL{Scheme: "http", Host: l.Addr().String()}
	}
	config := embed.NewConfig()
	client, peer := port(), port()
	config.Dir, config.LogLevel = t.TempDir(), "fatal"
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		t.Fatal("etcd is not ready")
	}
	return client.String()
}

func TestHeld(t *testing.T) {
	// There is no other API server to ask who a client is; the loopback client is always let in.
	nobody := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(nobody, []byte(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"a","cluster":{"server":"http://127.1.2.3:12345"}}],` +
		`"contexts":[{"name":"a","context":{"cluster":"a"}}],"current-context":"a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := servertesting.StartTestServer(t, nil, []string{"--etcd-servers=" + etcd(t), "--authentication-skip-lookup",
		"--authentication-kubeconfig", nobody, "--authorization-kubeconfig", nobody, "--kubeconfig", nobody, "--enable-priority-and-fairness=false",
		"--disable-admission-plugins", "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy,MutatingAdmissionPolicy"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.TearDownFn)
	definitions, err := clientset.NewForConfig(server.ClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := dynamic.NewForConfig(server.ClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	define := func(plural, kind string) schema.GroupVersionResource {
		keep := true
		_, err := definitions.ApiextensionsV1().CustomResourceDefinitions().Create(ctx, &apiextensionsv1.CustomResourceDefinition{
			ObjectMeta: metav1.ObjectMeta{Name: plural + ".example.com"},
			Spec: apiextensionsv1.CustomResourceDefinitionSpec{Group: "example.com", Scope: apiextensionsv1.ClusterScoped,
				Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Kind: kind},
				Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true,
					Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &keep}}}}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		resource := schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: plural}
		for range 200 { // the list is served as soon as the definition says Established
			if _, err = objects.Resource(resource).List(ctx, metav1.ListOptions{}); err == nil {
				return resource
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal(err)
		return resource
	}
	object := func(kind string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": kind, "metadata": map[string]any{"name": "one"}}}
	}
	held := func(what string, create func() error) {
		begun := time.Now()
		if err := create(); err != nil {
			t.Fatal(what, err)
		}
		fmt.Printf("SEEN %s held for two seconds: %t\n", what, time.Since(begun) > 1900*time.Millisecond)
	}
	posts := define("posts", "Post")
	held("POST after the definition", func() error {
		_, err := objects.Resource(posts).Create(ctx, object("Post"), metav1.CreateOptions{})
		return err
	})
	applies := define("applies", "Apply")
	held("apply after the definition", func() error {
		_, err := objects.Resource(applies).Apply(ctx, "one", object("Apply"), metav1.ApplyOptions{FieldManager: "finding"})
		return err
	})
	laters := define("laters", "Later")
	time.Sleep(3 * time.Second)
	held("POST three seconds after the definition", func() error {
		_, err := objects.Resource(laters).Create(ctx, object("Later"), metav1.CreateOptions{})
		return err
	})
}
GO
go mod init finding >/dev/null 2>&1
go get k8s.io/apiextensions-apiserver@v0.34.1 k8s.io/apiserver@v0.34.1 k8s.io/client-go@v0.34.1 go.etcd.io/etcd/server/v3@v3.6.4 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
seen=$(go test -count 1 -timeout 10m -run TestHeld -v . 2>/dev/null | grep '^SEEN')
echo "$seen"
[ "$seen" = 'SEEN POST after the definition held for two seconds: true
SEEN apply after the definition held for two seconds: false
SEEN POST three seconds after the definition held for two seconds: false' ] || { echo "the behaviour has changed" >&2; exit 1; }

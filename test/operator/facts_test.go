package operator

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	"golang.org/x/net/dns/dnsmessage"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	previewv1alpha1 "github.com/aro-rp/aro/operator/apis/preview/v1alpha1"
	"github.com/aro-rp/aro/operator/controllers/node"
)

// These are properties of API servers that the operator's code relies on.

// TestDefinitionsAreServedBeforeObjects deploys definitions that the server has not seen: it says that they are established before the
// first object, which the server takes at once or holds for seconds.
func TestDefinitionsAreServedBeforeObjects(t *testing.T) {
	w := newFixture(t)
	definition := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "previewfeatures.preview.aro.openshift.io"}}
	if err := w.Delete(t.Context(), definition); err != nil {
		t.Fatal(err)
	}
	w.eventually("the definition is gone", func() error {
		err := w.Get(t.Context(), key(definition), definition)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there: %w", err)
	})
	w.deployed(settings(nil))
	const longest = 5 * time.Second // of any request that follows a definition
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	feature := &previewv1alpha1.PreviewFeature{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}}
	w.cleans(feature)
	if err := w.Create(ctx, feature); err != nil {
		t.Errorf("the deployment is complete, and the first object is refused: %v", err)
	}
	w.cleansDefinition(definition)
}

// cleansDefinition makes the server serve a definition for the tests that follow, also where this one failed.
func (w *fixture) cleansDefinition(definition *apiextensionsv1.CustomResourceDefinition) {
	w.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		again := &unstructured.Unstructured{}
		again.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
		again.SetName(definition.Name)
		if err := established(ctx, []*unstructured.Unstructured{again}); err != nil {
			w.Errorf("%s is not served: %v", definition.Name, err)
		}
	})
}

// TestConditionsHaveOneWriterEach applies a condition that another client wrote first.
func TestConditionsHaveOneWriterEach(t *testing.T) {
	w := newFixture(t)
	c := w.cluster()
	w.report(c, operatorv1.OperatorCondition{Type: "NodeControllerDegraded", Status: operatorv1.ConditionTrue, Message: "before"},
		operatorv1.OperatorCondition{Type: "OfAnother", Status: operatorv1.ConditionTrue})
	apply := func(options ...client.SubResourcePatchOption) error {
		body := `{"apiVersion":"aro.openshift.io/v1alpha1","kind":"Cluster","metadata":{"name":"cluster"},"status":{"conditions":[` +
			`{"type":"NodeControllerDegraded","status":"False","message":"","reason":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`
		return w.Status().Patch(t.Context(), &arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: c.Name}}, client.RawPatch(types.ApplyPatchType, []byte(body)),
			append(options, client.FieldOwner("test"))...)
	}
	if err := apply(); !apierrors.IsConflict(err) {
		t.Errorf("without force the answer is %v, want a conflict", err)
	}
	if err := apply(client.ForceOwnership); err != nil {
		t.Error(err)
	}
	w.condition("NodeControllerDegraded", operatorv1.ConditionFalse, "")
	w.condition("OfAnother", operatorv1.ConditionTrue, "")
	w.run(node.New())
	w.healthy("Node")
	w.condition("OfAnother", operatorv1.ConditionTrue, "")
}

// TestKindsWithoutStatus has the kinds whose status is written with the object.
func TestKindsWithoutStatus(t *testing.T) {
	w := newFixture(t)
	network := &configv1.Network{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}}
	for _, o := range []client.Object{network, &machineconfigurationv1.MachineConfig{ObjectMeta: metav1.ObjectMeta{Name: "99-without-status"}}} {
		w.with(o)
		if err := w.Status().Update(t.Context(), o); !apierrors.IsNotFound(err) {
			t.Errorf("%T has a status of its own: %v", o, err)
		}
	}
}

// TestNameServersThatRefuseArePassedOver has two name servers in a node's network, the first of which refuses everything.
func TestNameServersThatRefuseArePassedOver(t *testing.T) {
	refuses := answering(t, func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeRefused })
	answers := answering(t, func(m *dnsmessage.Message) {
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 1},
			Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}}}
	})
	server := runDnsmasq(t, poolFile(t), refuses, answers)
	for range 20 { // it does not matter which of them it asks first
		answer := ask(t, server, "elsewhere.example.org.", dnsmessage.TypeA)
		if answer == nil || answer.RCode != dnsmessage.RCodeSuccess || firstAnswer(answer) == nil {
			t.Fatalf("the answer is %+v, want that of the second name server", answer)
		}
	}
}

// answering is a name server that answers as fill says.
func answering(t *testing.T, fill func(*dnsmessage.Message)) (port string) {
	t.Helper()
	connection, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := connection.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			fill(&m)
			if text, err := m.Pack(); err == nil {
				_, _ = connection.WriteTo(text, from)
			}
		}
	})
	t.Cleanup(func() { _ = connection.Close(); done.Wait() })
	_, port, _ = net.SplitHostPort(connection.LocalAddr().String())
	return port
}

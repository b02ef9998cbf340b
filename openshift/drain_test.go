package openshift_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/openshift"
)

func TestADrainRepeatsWhatMayPass(t *testing.T) {
	t.Parallel()
	answers := []string{
		`429 {"message":"the budget allows none"}`,
		`500 {"message":"etcd has another leader"}`,
		`201 {}`,
	}
	var tried []time.Time
	kubeconfig, address, _ := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/eviction"):
			tried = append(tried, time.Now())
			code, body := 0, ""
			_, _ = fmt.Sscan(answers[0][:3], &code)
			body, answers = answers[0][4:], answers[1:]
			w.WriteHeader(code)
			_, _ = fmt.Fprint(w, body)
		case r.URL.Path == "/api/v1/pods":
			_, _ = fmt.Fprint(w, `{"items":[{"metadata":{"namespace":"n","name":"p","uid":"1"}}]}`)
		case strings.HasSuffix(r.URL.Path, "/pods/p"):
			w.WriteHeader(http.StatusNotFound)
		default: // the node, and no budgets
			_, _ = fmt.Fprint(w, `{}`)
		}
	}, nil)
	api, err := openshift.Open(kubeconfig, address)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	var told []string
	if err := api.Drain(t.Context(), &openshift.Drain{Node: "n", Report: func(message string) { told = append(told, message) }}); err != nil {
		t.Fatal(err)
	}
	want := []string{"node n is cordoned", "pods to evict: 1; pods that stay: 0", "pod n/p: waits: the budget allows none", "pod n/p: waits: etcd has another leader", "pod n/p: evicted", "pod n/p: gone"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	if first, second := tried[1].Sub(tried[0]), tried[2].Sub(tried[1]); first < 500*time.Millisecond || second < time.Second {
		t.Errorf("it waited %s and then %s", first, second)
	}
}

package controlplane

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	genericapiserver "k8s.io/apiserver/pkg/server"
	baseversion "k8s.io/component-base/version"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/aro-rp/aro/local/controlplane/watch"
	"github.com/aro-rp/aro/local/release"
)

// versionPath is where clients read the version of Kubernetes before they use its API.
const versionPath = "/version"

// reported is the version of Kubernetes that the cluster reports: that of its release of OpenShift,
// not the one that is built in.
type reported struct{ info atomic.Pointer[version.Info] }

// set takes the version from that of OpenShift.
func (r *reported) set(openshift string) {
	info := baseversion.Get()
	info.GitVersion = release.Kubernetes(openshift)
	parts := strings.Split(strings.TrimPrefix(info.GitVersion, "v"), ".")
	info.Major, info.Minor = parts[0], parts[1]
	// The build has no commit of OpenShift.
	info.GitCommit, info.GitTreeState = "", "clean"
	r.info.Store(&info)
}

// within serves the version in place of the API server, after authentication and authorization.
func (r *reported) within(build func(http.Handler, *genericapiserver.Config) http.Handler) func(http.Handler, *genericapiserver.Config) http.Handler {
	return func(next http.Handler, config *genericapiserver.Config) http.Handler {
		return build(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			if strings.TrimSuffix(request.URL.Path, "/") != versionPath || request.Method != http.MethodGet {
				next.ServeHTTP(w, request)
				return
			}
			responsewriters.WriteRawJSON(http.StatusOK, r.info.Load(), w)
		}), config)
	}
}

// follow keeps the version that of the last update that was completed.
func (r *reported) follow(m manager.Manager) error {
	return watch.Add(m, "version", func(ctx context.Context) (time.Duration, error) {
		var found configv1.ClusterVersion
		if err := m.GetClient().Get(ctx, client.ObjectKey{Name: "version"}, &found); err != nil {
			return 0, client.IgnoreNotFound(err)
		}
		for _, update := range found.Status.History { // newest first
			if update.State == configv1.CompletedUpdate {
				r.set(update.Version)
				break
			}
		}
		return 0, nil
	}, &configv1.ClusterVersion{})
}

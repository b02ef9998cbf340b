package controlplane

import (
	"context"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"

	"github.com/aro-rp/aro/local/controlplane/login"
)

// people serves logins with the password that the installer made.
func (p *plane) people() (login.Server, error) {
	config, err := p.adminConfig()
	if err != nil {
		return login.Server{}, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return login.Server{}, err
	}
	return login.Server{Kubeadmin: func(ctx context.Context) (*corev1.Secret, error) {
		return client.CoreV1().Secrets(metav1.NamespaceSystem).Get(ctx, "kubeadmin", metav1.GetOptions{})
	}}, nil
}

// letPeopleIn has an API server authenticate users that logged in.
func letPeopleIn(front *genericapiserver.Config, people login.Server) {
	front.Authentication.Authenticator = union.New(bearertoken.New(people), front.Authentication.Authenticator)
	build := front.BuildHandlerChainFunc
	front.BuildHandlerChainFunc = func(next http.Handler, config *genericapiserver.Config) http.Handler {
		return people.Outside(build(people.Inside(next), config))
	}
}

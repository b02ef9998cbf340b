package portal

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
)

// PortalCreateKubeconfig returns a kubeconfig that connects through the portal.
func (p *Portal) PortalCreateKubeconfig(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	doc, err := p.view(c)
	if err != nil {
		return err
	}
	elevated := c.Request().PostFormValue("elevated") != ""
	if elevated && !c.session.Elevated {
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "elevated", Message: "Elevated access is required: you are in none of the groups that may act as administrators of clusters."}
	}
	secret, err := p.access.grant(c.Ctx(), model.PortalAccess{Kind: model.PortalKubeconfig, ObjectID: c.session.ObjectID, Username: c.session.Username,
		Elevated: elevated, ClusterID: doc.Cluster.ID}, kubeconfigLifetime)
	if err != nil {
		return err
	}
	c.Subject = "kubeconfig " + idOf(secret)[:16]
	content, err := p.kubeconfig(c, &doc.Cluster, secret)
	if err != nil {
		return err
	}
	name := doc.Cluster.Name
	if elevated {
		name += "-elevated"
	}
	c.Response().Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+".kubeconfig"))
	return c.Blob(http.StatusOK, "application/yaml", content)
}

func (p *Portal) kubeconfig(c *call, cluster *model.Cluster, secret string) ([]byte, error) {
	certificate, err := p.Certificate(c.Ctx())
	if err != nil {
		return nil, fmt.Errorf("the portal's certificate: %w", err)
	}
	var authorities []byte
	for _, der := range certificate.Certificate {
		authorities = append(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	const entry = "cluster"
	return clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{entry: {Server: p.Origin + cluster.ID + proxyPath, CertificateAuthorityData: authorities}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"user": {Token: secret}},
		Contexts:       map[string]*clientcmdapi.Context{"context": {Cluster: entry, Namespace: "default", AuthInfo: "user"}},
		CurrentContext: "context",
	})
}

// PortalRevokeKubeconfig ends a kubeconfig of the reader, and what uses it.
func (p *Portal) PortalRevokeKubeconfig(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	id := c.Request().PostFormValue("id")
	if len(id) != len(idOf("")) || strings.Trim(id, "0123456789abcdef") != "" {
		return arm.InvalidParameter.At("id", "The id is not one of a kubeconfig.")
	}
	c.Subject = "kubeconfig " + id[:16]
	if err := p.access.revoke(c.Ctx(), holder(c.session.ObjectID), id); err != nil {
		return err
	}
	p.streams.cut(id)
	return c.Redirect(http.StatusSeeOther, c.clusterID().String())
}

package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/openshift"
)

// AdminCordonNode keeps new pods from a node, or lets them on it again.
func (a *API) AdminCordonNode(ec echo.Context, _, _, _ string, p api.AdminCordonNodeParams) error {
	c := ec.(*call)
	c.Subject = p.VMName
	if err := (names{"vmName": p.VMName}).check(); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		if err := k.Cordon(ctx, p.VMName, p.ShouldCordon, c.DryRun); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
}

// AdminDrainNode evicts the pods of a node.
func (a *API) AdminDrainNode(ec echo.Context, _, _, _ string, p api.AdminDrainNodeParams) error {
	c := ec.(*call)
	c.Subject = p.VMName
	if err := (names{"vmName": p.VMName}).check(); err != nil {
		return err
	}
	return a.clusterStream(c, func(ctx context.Context, k clusterAPI, e *events) error {
		return drained(p.VMName, k.Drain(ctx, &openshift.Drain{Node: p.VMName, DryRun: c.DryRun, Report: e.report}))
	})
}

// drained is the error of a drain for the caller.
func drained(node string, err error) error {
	if failed, isDrain := err.(interface{ Unwrap() []error }); isDrain { // of single pods
		text := ""
		for _, one := range failed.Unwrap() {
			text += "; " + arm.Plain(one.Error(), maxStatus)
		}
		return arm.RequestNotAllowed.At("vmName", "Node %s is cordoned and not drained%s.", node, text)
	}
	return err
}

// signingRequest is what has to be known of a certificate signing request.
type signingRequest struct {
	Metadata struct{ Name, ResourceVersion string }
	Spec     struct{ SignerName string }
	Status   struct{ Conditions []map[string]any }
}

// kubeletSigners sign certificates of kubelets.
var kubeletSigners = []string{"kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"}

const signingRequests = "/apis/certificates.k8s.io/v1/certificatesigningrequests"

// AdminApproveCertificateSigningRequests approves one request, or those of kubelets.
func (a *API) AdminApproveCertificateSigningRequests(ec echo.Context, _, _, _ string, p api.AdminApproveCertificateSigningRequestsParams) error {
	c, name := ec.(*call), optional(p.CsrName)
	c.Subject = name
	if err := (names{"csrName": name}).check("csrName"); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		requests, err := k.pending(ctx, name)
		if err != nil {
			return err
		}
		approved := api.NameList{Value: []string{}}
		for _, request := range requests {
			name := request.Metadata.Name
			if err := k.Write(ctx, http.MethodPatch, query(signingRequests+"/"+name+"/approval", c), request.approval(), nil); err != nil {
				return fmt.Errorf("approve %s: %w", name, err)
			}
			approved.Value = append(approved.Value, name)
		}
		slices.Sort(approved.Value)
		return armhttp.Value(c, http.StatusOK, approved)
	})
}

// pending returns the request with that name if it is not decided, or without a name all
// those of kubelets.
func (k clusterAPI) pending(ctx context.Context, name string) ([]signingRequest, error) {
	var list struct{ Items []signingRequest }
	if name == "" {
		if err := k.Read(ctx, signingRequests, &list); err != nil {
			return nil, err
		}
	} else {
		list.Items = make([]signingRequest, 1)
		if err := k.Read(ctx, signingRequests+"/"+name, &list.Items[0]); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(list.Items, func(r signingRequest) bool {
		return len(r.Status.Conditions) > 0 || name == "" && !slices.Contains(kubeletSigners, r.Spec.SignerName)
	}), nil
}

// approval is the patch that approves this version of the request.
func (r *signingRequest) approval() map[string]any {
	return map[string]any{"metadata": map[string]string{"resourceVersion": r.Metadata.ResourceVersion},
		"status": map[string]any{"conditions": []map[string]string{{"type": "Approved", "status": "True",
			"reason": "ApprovedByAdmin", "message": "Approved by the admin API of the service."}}}}
}

package operator

import (
	"slices"

	"github.com/aro-rp/aro/operator/azureclient"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/controllers/alertwebhook"
	"github.com/aro-rp/aro/operator/controllers/autosizednodes"
	"github.com/aro-rp/aro/operator/controllers/azuresubnets"
	"github.com/aro-rp/aro/operator/controllers/banner"
	"github.com/aro-rp/aro/operator/controllers/cloudproviderconfig"
	"github.com/aro-rp/aro/operator/controllers/clusterdnschecker"
	"github.com/aro-rp/aro/operator/controllers/clusteroperator"
	"github.com/aro-rp/aro/operator/controllers/cpms"
	"github.com/aro-rp/aro/operator/controllers/dnsmasq"
	"github.com/aro-rp/aro/operator/controllers/etchosts"
	"github.com/aro-rp/aro/operator/controllers/genevalogging"
	"github.com/aro-rp/aro/operator/controllers/guardrails"
	"github.com/aro-rp/aro/operator/controllers/imageconfig"
	"github.com/aro-rp/aro/operator/controllers/ingress"
	"github.com/aro-rp/aro/operator/controllers/ingresscertificatechecker"
	"github.com/aro-rp/aro/operator/controllers/internetchecker"
	"github.com/aro-rp/aro/operator/controllers/machine"
	"github.com/aro-rp/aro/operator/controllers/machinehealthcheck"
	"github.com/aro-rp/aro/operator/controllers/machineset"
	"github.com/aro-rp/aro/operator/controllers/managedupgradeoperator"
	"github.com/aro-rp/aro/operator/controllers/monitoring"
	"github.com/aro-rp/aro/operator/controllers/networkpolicy"
	"github.com/aro-rp/aro/operator/controllers/node"
	"github.com/aro-rp/aro/operator/controllers/previewfeature"
	"github.com/aro-rp/aro/operator/controllers/pullsecret"
	"github.com/aro-rp/aro/operator/controllers/rbac"
	"github.com/aro-rp/aro/operator/controllers/routefix"
	"github.com/aro-rp/aro/operator/controllers/serviceprincipalchecker"
	"github.com/aro-rp/aro/operator/controllers/storageaccounts"
	"github.com/aro-rp/aro/operator/controllers/workaround"
)

// Controllers are those of a role, in an operator of this version that works in Azure
// by this account.
func Controllers(role controller.Role, version string, account azureclient.Opener) ([]controller.Spec, error) {
	internet := internetchecker.New(role, internetchecker.Usual)
	if role != controller.Master {
		return []controller.Spec{internet}, nil
	}
	var made []controller.Spec
	for _, create := range []func() (controller.Spec, error){pullsecret.New, guardrails.New, genevalogging.New, managedupgradeoperator.New} {
		spec, err := create()
		if err != nil {
			return nil, err
		}
		made = append(made, spec)
	}
	return slices.Concat(made, []controller.Spec{
		alertwebhook.New(),
		autosizednodes.New(),
		azuresubnets.New(account),
		banner.New(),
		cloudproviderconfig.New(),
		clusterdnschecker.New(),
		clusteroperator.New(version),
		cpms.New(),
		imageconfig.New(),
		ingress.New(),
		ingresscertificatechecker.New(),
		internet,
		machine.New(),
		machinehealthcheck.New(),
		machineset.New(),
		monitoring.New(),
		networkpolicy.New(),
		node.New(),
		previewfeature.New(account),
		rbac.New(),
		routefix.New(),
		serviceprincipalchecker.New(account.GraphToken),
		storageaccounts.New(account),
		workaround.New(),
	}, dnsmasq.New(), etchosts.New()), nil
}

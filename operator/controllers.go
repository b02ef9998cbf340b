package operator

import (
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/controllers/banner"
	"github.com/aro-rp/aro/operator/controllers/clusteroperator"
	"github.com/aro-rp/aro/operator/controllers/pullsecret"
)

// Controllers are those of a role, in an operator of this version.
func Controllers(role controller.Role, version string) ([]controller.Spec, error) {
	if role != controller.Master {
		return nil, nil
	}
	pulls, err := pullsecret.New()
	if err != nil {
		return nil, err
	}
	return []controller.Spec{
		banner.New(),
		clusteroperator.New(version),
		pulls,
	}, nil
}

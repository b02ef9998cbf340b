package collectors

import (
	"context"
	"strconv"
)

// networkMTU reports the MTU of pods.
func networkMTU(ctx context.Context, l *Look) error {
	var network struct {
		Status struct {
			MTU  int    `json:"clusterNetworkMTU"`
			Type string `json:"networkType"`
		} `json:"status"`
	}
	if err := l.get(ctx, "/apis/config.openshift.io/v1/networks/cluster", cached(), &network); err != nil {
		return err
	}
	l.gauge("network.mtu", map[string]string{"mtu": strconv.Itoa(network.Status.MTU), "network_type": network.Status.Type})
	l.hourly("network", "mtu", network.Status.MTU, "type", network.Status.Type)
	return nil
}

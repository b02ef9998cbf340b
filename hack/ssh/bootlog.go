package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

// patience bounds the time to fetch a boot log, and maxLog its length.
const (
	patience = time.Minute
	maxLog   = 1 << 20
)

// bootLog shows the serial console of a machine. The deny assignment allows only
// the service's first-party application to read it.
func (c *command) bootLog(ctx context.Context, cluster *model.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id, _ := arm.ParseClusterID(cluster.ID) // the cluster was found by it
	service, err := c.Azure.OpenService(ctx, c.Vault)
	if err != nil {
		return err
	}
	if err := service.Load(ctx); err != nil {
		return err
	}
	clients, err := service.Clients(id.SubscriptionID, service.FirstParty(cluster.Internal.TenantID))
	if err != nil {
		return err
	}
	group := path.Base(cluster.Properties.ClusterProfile.ResourceGroupID)
	name, err := c.machine(ctx, clients, group)
	if err != nil {
		return err
	}
	data, err := clients.VirtualMachines.RetrieveBootDiagnosticsData(ctx, group, name, nil)
	if err != nil {
		return err
	}
	if data.SerialConsoleLogBlobURI == nil {
		return errors.New("the machine has no serial console")
	}
	fmt.Fprintf(os.Stderr, "Machines of the local Azure have no shell. This is the boot log of %s:\n\n", name)
	return show(ctx, service.HTTP, *data.SerialConsoleLogBlobURI)
}

// machine returns the machine whose name ends with the requested text.
func (c *command) machine(ctx context.Context, clients *azure.Clients, group string) (string, error) {
	var names []string
	for pages := clients.VirtualMachines.NewListPager(group, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, vm := range page.Value {
			if vm.Name == nil {
				continue
			}
			if strings.HasSuffix(*vm.Name, c.Machine) {
				return *vm.Name, nil
			}
			names = append(names, *vm.Name)
		}
	}
	return "", fmt.Errorf("no machine's name ends with %q; there are %s", c.Machine, strings.Join(names, ", "))
}

// show prints the content of a URL. The URL is a credential and must not appear in
// errors.
func show(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return errors.New("the boot log's URL is none")
	}
	answer, err := client.Do(request)
	if err != nil {
		return errors.New("the boot log cannot be read")
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the boot log answers %s", answer.Status)
	}
	_, err = io.Copy(os.Stdout, io.LimitReader(answer.Body, maxLog))
	return err
}

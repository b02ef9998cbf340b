// Command deploy writes what follows from the Go of package deploy: the ARM templates of
// a region, the schema of the configuration file, and an example of what a machine starts
// with, below deploy/assets:
//
//	go run ./hack/deploy
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/aro-rp/aro/deploy"
	"github.com/aro-rp/aro/deploy/armtemplates"
	"github.com/aro-rp/aro/deploy/machine"
)

const folder = "deploy/assets"

func main() {
	files, err := generate()
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	for name, content := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), content, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
}

// generate makes every file, by name.
func generate() (map[string][]byte, error) {
	files := map[string][]byte{}
	var err error
	for name, t := range armtemplates.All() {
		if files[name+".json"], err = t.JSON(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if files["config.schema.json"], err = deploy.Schema(); err != nil {
		return nil, err
	}
	example := machine.Config{
		Image: "REGISTRY.azurecr.io/aro:BUILD", ClientID: "IDENTITY", Port: 8443, ARMClients: "PEM\n", AdminClients: "PEM\n", AdminReaders: "PEM\n",
		Environment: map[string]string{"ARO_LOCATION": "LOCATION"},
		Portal:      &machine.Portal{Origin: "https://portal.LOCATION.DOMAIN:444", ClientID: "APPLICATION", Access: []string{"GROUP"}, Elevated: []string{"GROUP"}},
		Agent:       machine.Agent{Image: "REGISTRY.azurecr.io/mdm:VERSION", Arguments: []string{"ARGUMENT"}},
		Logs:        machine.Logs{Image: "REGISTRY.azurecr.io/otel-collector:VERSION", Endpoint: "https://LOGS", Location: "LOCATION", Build: "BUILD"},
	}
	if files["cloud-init.example.yaml"], err = example.CloudInit(); err != nil {
		return nil, err
	}
	files["collector.example.yaml"], err = example.Logs.Collector()
	return files, err
}

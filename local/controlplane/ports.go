package controlplane

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// loopback is the address that everything listens on.
const loopback = "127.0.0.1"

// ports are chosen when the machine boots, and kept over restarts.
type ports struct {
	APIServer     int `json:"apiServer"`
	MachineConfig int `json:"machineConfig"`
}

func readPorts(dir string) (ports, error) {
	var p ports
	content, err := os.ReadFile(filepath.Join(dir, "ports.json"))
	if err != nil {
		return p, fmt.Errorf("ports of the cluster: %w", err)
	}
	if err := json.Unmarshal(content, &p); err != nil {
		return p, fmt.Errorf("ports of the cluster: %w", err)
	}
	if p.APIServer <= 0 || p.MachineConfig <= 0 {
		return p, fmt.Errorf("ports of the cluster: apiServer and machineConfig must be set")
	}
	return p, nil
}

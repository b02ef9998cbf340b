package template

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Machines are the first machines of a cluster: the bootstrap machine, which starts
// the control plane and is then removed, and the three masters.
type Machines struct {
	Cluster
	VMSize                string
	Image                 Image
	EncryptionAtHost      bool
	DiskEncryptionSetID   string
	AcceleratedNetworking bool
	// MasterIgnition is the masters' ignition document.
	MasterIgnition []byte
	// Bootstrap is nil if the bootstrap machine exists: its custom data cannot
	// change.
	Bootstrap *Bootstrap
}

// Image is an image of the Azure marketplace.
type Image struct{ Publisher, Offer, SKU, Version string }

// Bootstrap is where the bootstrap machine reads its ignition, which is too large
// for custom data.
type Bootstrap struct {
	// BlobURL of the ignition, without a signature.
	BlobURL string
	// Account, if set, is the storage account whose keys sign the URL of the blob,
	// valid from SignedAt: Azure signs it within the template, so that the service
	// never has the signature. Otherwise the parameter signature has it.
	Account  string
	SignedAt time.Time
}

// SignatureParameter is the secure parameter with the query that signs the URL of
// the ignition blob; the template has it if Bootstrap.Account is empty.
const SignatureParameter = "signature"

// signedFor is the time in which the bootstrap machine must read its ignition.
const signedFor = 24 * time.Hour

// OSDisk sizes.
const (
	bootstrapDiskGB = 100
	masterDiskGB    = 1024
)

// Template returns the template.
func (m *Machines) Template() map[string]any {
	parameters, resources := object{}, list{}
	if m.Bootstrap != nil {
		if m.Bootstrap.Account == "" {
			parameters[SignatureParameter] = object{"type": "secureString"}
		}
		resources = append(resources, m.bootstrapInterface(), m.bootstrapMachine())
	}
	for i := range masters {
		resources = append(resources, m.masterInterface(i), m.masterMachine(i))
	}
	return document(parameters, resources)
}

func (m *Machines) bootstrapInterface() object {
	return m.networkInterface("-bootstrap-nic", "bootstrap-nic-ip-v4", m.id(balancerKind+"/backendAddressPools", m.name("-internal"), m.InfraID))
}

func (m *Machines) masterInterface(i int) object {
	internal := m.name("-internal")
	o := m.networkInterface("-master"+strconv.Itoa(i)+"-nic", "pipConfig",
		m.id(balancerKind+"/backendAddressPools", internal, m.InfraID),
		m.id(balancerKind+"/backendAddressPools", internal, "ssh-"+strconv.Itoa(i)))
	o["properties"].(object)["enableAcceleratedNetworking"] = m.AcceleratedNetworking
	return o
}

func (m *Machines) networkInterface(suffix, configuration string, pools ...string) object {
	if m.PublicOutbound {
		pools = append(pools, m.id(balancerKind+"/backendAddressPools", m.InfraID, m.InfraID))
	}
	return m.resource(interfaceKind, networkAPI, m.name(suffix), object{
		"ipConfigurations": list{object{"name": configuration, "properties": object{
			"subnet": ref(m.MasterSubnetID), "loadBalancerBackendAddressPools": refs(pools...),
		}}},
	})
}

func (m *Machines) bootstrapMachine() object {
	return m.machine(host{
		suffix: "-bootstrap", computer: m.name("-bootstrap-vm"), nic: "-bootstrap-nic",
		data: m.Bootstrap.customData(m), diskGB: bootstrapDiskGB, caching: "ReadWrite",
	})
}

func (m *Machines) masterMachine(i int) object {
	n := strconv.Itoa(i)
	o := m.machine(host{
		suffix: "-master-" + n, computer: m.name("-master-" + n), nic: "-master" + n + "-nic",
		data: base64.StdEncoding.EncodeToString(m.MasterIgnition), diskGB: masterDiskGB, caching: "ReadOnly",
	})
	if len(m.Zones) > 0 {
		o["zones"] = list{m.Zones[i%len(m.Zones)]}
	}
	return o
}

// host has the differences between the machines.
type host struct {
	suffix, computer, nic, data string
	diskGB                      int
	caching                     string
}

func (m *Machines) machine(h host) object {
	disk := object{"storageAccountType": "Premium_LRS"}
	if m.DiskEncryptionSetID != "" {
		disk["diskEncryptionSet"] = ref(m.DiskEncryptionSetID)
	}
	nic := m.id(interfaceKind, m.name(h.nic))
	properties := object{
		"hardwareProfile": object{"vmSize": m.VMSize},
		"storageProfile": object{
			"imageReference": object{"publisher": m.Image.Publisher, "offer": m.Image.Offer, "sku": m.Image.SKU, "version": m.Image.Version},
			"osDisk": object{
				"name": m.name(h.suffix + "_OSDisk"), "caching": h.caching, "createOption": "FromImage",
				"diskSizeGB": h.diskGB, "managedDisk": disk,
			},
		},
		"osProfile": object{
			// Azure requires a user; ignition creates the actual one.
			"computerName": h.computer, "adminUsername": "core", "adminPassword": "NotActuallyApplied!",
			"customData": h.data, "linuxConfiguration": object{"disablePasswordAuthentication": false},
		},
		"networkProfile":     object{"networkInterfaces": refs(nic)},
		"diagnosticsProfile": object{"bootDiagnostics": object{"enabled": true}},
	}
	if m.EncryptionAtHost {
		properties["securityProfile"] = object{"encryptionAtHost": true}
	}
	o := m.resource(machineKind, computeAPI, m.name(h.suffix), properties)
	o["dependsOn"] = list{nic}
	return o
}

// customData returns an ignition document that refers to the real one.
func (b *Bootstrap) customData(m *Machines) string {
	signature := "parameters('" + SignatureParameter + "')"
	if b.Account != "" {
		signature = fmt.Sprintf("listAccountSas('%s', '2019-04-01', createObject('signedPermission', 'rl', 'signedResourceTypes', 'o', "+
			"'signedServices', 'b', 'signedProtocol', 'https', 'signedStart', '%s', 'signedExpiry', '%s')).accountSasToken",
			m.id(accountKind, b.Account), stamp(b.SignedAt), stamp(b.SignedAt.Add(signedFor)))
	}
	return fmt.Sprintf(`[base64(concat('{"ignition":{"version":"3.2.0","config":{"replace":{"source":"%s?', %s, '"}}}}'))]`,
		strings.ReplaceAll(b.BlobURL, "'", "''"), signature)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

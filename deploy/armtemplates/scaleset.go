package armtemplates

// VirtualMachineScaleSet is a scale set.
type VirtualMachineScaleSet struct {
	UpgradePolicy            UpgradePolicy          `json:"upgradePolicy"`
	AutomaticRepairsPolicy   AutomaticRepairsPolicy `json:"automaticRepairsPolicy"`
	Overprovision            bool                   `json:"overprovision"`
	PlatformFaultDomainCount int                    `json:"platformFaultDomainCount"`
	ZoneBalance              Bool                   `json:"zoneBalance,omitempty"`
	VirtualMachineProfile    VirtualMachineProfile  `json:"virtualMachineProfile"`
}

// UpgradePolicy selects how machines get new images of their operating system.
type UpgradePolicy struct {
	Mode                     string               `json:"mode"`
	AutomaticOSUpgradePolicy AutomaticOSUpgrade   `json:"automaticOSUpgradePolicy"`
	RollingUpgradePolicy     RollingUpgradePolicy `json:"rollingUpgradePolicy"`
}

// AutomaticOSUpgrade switches such upgrades on.
type AutomaticOSUpgrade struct {
	EnableAutomaticOSUpgrade bool `json:"enableAutomaticOSUpgrade"`
}

// RollingUpgradePolicy bounds how many machines are upgraded at once.
type RollingUpgradePolicy struct {
	MaxBatchInstancePercent             int    `json:"maxBatchInstancePercent"`
	MaxUnhealthyInstancePercent         int    `json:"maxUnhealthyInstancePercent"`
	MaxUnhealthyUpgradedInstancePercent int    `json:"maxUnhealthyUpgradedInstancePercent"`
	PauseTimeBetweenBatches             string `json:"pauseTimeBetweenBatches"`
}

// AutomaticRepairsPolicy replaces machines that are not healthy.
type AutomaticRepairsPolicy struct {
	Enabled     bool   `json:"enabled"`
	GracePeriod string `json:"gracePeriod"`
}

// VirtualMachineProfile is what the machines of a scale set are.
type VirtualMachineProfile struct {
	OSProfile          OSProfile          `json:"osProfile"`
	StorageProfile     StorageProfile     `json:"storageProfile"`
	SecurityProfile    SecurityProfile    `json:"securityProfile"`
	DiagnosticsProfile DiagnosticsProfile `json:"diagnosticsProfile"`
	NetworkProfile     NetworkProfile     `json:"networkProfile"`
}

// OSProfile of a machine.
type OSProfile struct {
	ComputerNamePrefix string             `json:"computerNamePrefix"`
	AdminUsername      string             `json:"adminUsername"`
	CustomData         string             `json:"customData"`
	LinuxConfiguration LinuxConfiguration `json:"linuxConfiguration"`
}

// LinuxConfiguration of a machine.
type LinuxConfiguration struct {
	DisablePasswordAuthentication bool `json:"disablePasswordAuthentication"`
	SSH                           SSH  `json:"ssh"`
}

// SSH has the keys of a machine's administrator.
type SSH struct {
	PublicKeys []PublicKey `json:"publicKeys"`
}

// PublicKey of an administrator.
type PublicKey struct {
	Path    string `json:"path"`
	KeyData string `json:"keyData"`
}

// StorageProfile of a machine.
type StorageProfile struct {
	ImageReference ImageReference `json:"imageReference"`
	OSDisk         OSDisk         `json:"osDisk"`
}

// ImageReference of a machine's operating system.
type ImageReference struct {
	Publisher string `json:"publisher"`
	Offer     string `json:"offer"`
	SKU       string `json:"sku"`
	Version   string `json:"version"`
}

// OSDisk of a machine.
type OSDisk struct {
	CreateOption string `json:"createOption"`
	DiskSizeGB   int    `json:"diskSizeGB"`
	ManagedDisk  struct {
		StorageAccountType string `json:"storageAccountType"`
	} `json:"managedDisk"`
}

// SecurityProfile of a machine.
type SecurityProfile struct {
	SecurityType     string       `json:"securityType"`
	EncryptionAtHost bool         `json:"encryptionAtHost"`
	UEFISettings     UEFISettings `json:"uefiSettings"`
}

// UEFISettings of a machine.
type UEFISettings struct {
	SecureBootEnabled bool `json:"secureBootEnabled"`
	VTPMEnabled       bool `json:"vTpmEnabled"`
}

// DiagnosticsProfile of a machine.
type DiagnosticsProfile struct {
	BootDiagnostics struct {
		Enabled bool `json:"enabled"`
	} `json:"bootDiagnostics"`
}

// NetworkProfile of a machine.
type NetworkProfile struct {
	HealthProbe                    Ref                      `json:"healthProbe"`
	NetworkInterfaceConfigurations []InterfaceConfiguration `json:"networkInterfaceConfigurations"`
}

// InterfaceConfiguration is a network interface of a machine.
type InterfaceConfiguration struct {
	Name       string `json:"name"`
	Properties struct {
		Primary          bool                   `json:"primary"`
		IPConfigurations []AddressConfiguration `json:"ipConfigurations"`
	} `json:"properties"`
}

// AddressConfiguration is an address of a network interface.
type AddressConfiguration struct {
	Name       string `json:"name"`
	Properties struct {
		Subnet                          Ref   `json:"subnet"`
		Primary                         bool  `json:"primary"`
		LoadBalancerBackendAddressPools []Ref `json:"loadBalancerBackendAddressPools"`
	} `json:"properties"`
}

const (
	administrator = "administrator" // the parameter with its name
	// batch is the share of machines, in percent, that may be out of work: one of three.
	batch    = 34
	diskSize = 64 // GiB
)

// scaleSet is the machines of one build of the service. They have no public addresses, and join the
// load balancer's pool, which probes their readiness.
func scaleSet() *Template {
	address := AddressConfiguration{Name: "rp-ipconfig"}
	address.Properties.Primary = true
	address.Properties.Subnet = Ref{subnetID(serviceNetwork, serviceSubnet)}
	address.Properties.LoadBalancerBackendAddressPools = []Ref{balancerPart("backendAddressPools", poolName)}
	nic := InterfaceConfiguration{Name: "rp-nic"}
	nic.Properties.Primary, nic.Properties.IPConfigurations = true, []AddressConfiguration{address}
	disk := OSDisk{CreateOption: "FromImage", DiskSizeGB: diskSize}
	disk.ManagedDisk.StorageAccountType = "Premium_LRS"
	profile := VirtualMachineProfile{
		OSProfile: OSProfile{"rp-", param(administrator), param("customData"),
			LinuxConfiguration{true, SSH{[]PublicKey{{"[concat('/home/', parameters('" + administrator + "'), '/.ssh/authorized_keys')]", param("sshPublicKey")}}}}},
		StorageProfile:  StorageProfile{ImageReference{"MicrosoftCBLMariner", "azure-linux-3", "azure-linux-3-gen2", "latest"}, disk},
		SecurityProfile: SecurityProfile{"TrustedLaunch", true, UEFISettings{true, true}},
		NetworkProfile:  NetworkProfile{balancerPart("probes", probeName), []InterfaceConfiguration{nic}},
	}
	profile.DiagnosticsProfile.BootDiagnostics.Enabled = true
	t := newTemplate(Resource{
		Type: scaleSetKind, APIVersion: computeAPI, Name: param("scaleSet"), Location: here,
		SKU: &SKU{Name: param("size"), Tier: "Standard", Capacity: param("capacity")}, Zones: param("zones"),
		Identity: &Identity{"UserAssigned", map[string]struct{}{param("identityId"): {}}},
		Properties: VirtualMachineScaleSet{
			UpgradePolicy:          UpgradePolicy{"Automatic", AutomaticOSUpgrade{true}, RollingUpgradePolicy{batch, batch, batch, "PT10M"}},
			AutomaticRepairsPolicy: AutomaticRepairsPolicy{true, "PT30M"}, PlatformFaultDomainCount: 1,
			VirtualMachineProfile: profile,
		},
	})
	t.text("scaleSet", "Name of the scale set, which contains the build that it runs.")
	t.text("identityId", "Resource id of the service's own identity.")
	t.parameter("customData", "securestring", nil, "Configuration of the machines for cloud-init, in base64.")
	t.parameter(administrator, "string", "cloud-user", "Name of the machines' administrator.")
	t.text("sshPublicKey", "Public key of the machines' administrator. No network rule lets SSH through.")
	t.parameter("size", "string", "Standard_D4s_v5", "Size of the machines.")
	t.parameter("capacity", "int", 3, "Number of machines.")
	return t.parameter("zones", "array", []string{"1", "2", "3"}, "Availability zones; empty in regions without.")
}

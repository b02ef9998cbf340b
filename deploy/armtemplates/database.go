package armtemplates

import (
	"encoding/json"
	"strings"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
)

const (
	accountKind        = "Microsoft.DocumentDB/databaseAccounts"
	databaseKind       = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases"
	containerKind      = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers"
	sqlRoleKind        = "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments"
	sqlDefinitionKind  = "Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions"
	backupEvery        = 240 // minutes
	backupsKept        = 720 // hours
	defaultThroughput  = 1000
	databaseOfTemplate = "ARO"
)

// Database is the name of the database in the account.
const Database = databaseOfTemplate

// Account is a Cosmos DB account.
type Account struct {
	DatabaseAccountOfferType           string            `json:"databaseAccountOfferType"`
	Locations                          []AccountLocation `json:"locations"`
	ConsistencyPolicy                  ConsistencyPolicy `json:"consistencyPolicy"`
	BackupPolicy                       BackupPolicy      `json:"backupPolicy"`
	MinimalTLSVersion                  string            `json:"minimalTlsVersion"`
	DisableLocalAuth                   bool              `json:"disableLocalAuth"`
	DisableKeyBasedMetadataWriteAccess bool              `json:"disableKeyBasedMetadataWriteAccess"`
	IsVirtualNetworkFilterEnabled      bool              `json:"isVirtualNetworkFilterEnabled"`
	VirtualNetworkRules                []AccountSubnet   `json:"virtualNetworkRules"`
}

// AccountLocation is a region of an account.
type AccountLocation struct {
	LocationName     string `json:"locationName"`
	FailoverPriority int    `json:"failoverPriority"`
	IsZoneRedundant  Bool   `json:"isZoneRedundant"`
}

// AccountSubnet is a subnet that reaches an account.
type AccountSubnet struct {
	ID string `json:"id"`
}

// ConsistencyPolicy of an account.
type ConsistencyPolicy struct {
	DefaultConsistencyLevel string `json:"defaultConsistencyLevel"`
}

// BackupPolicy of an account.
type BackupPolicy struct {
	Type                   string `json:"type"`
	PeriodicModeProperties struct {
		BackupIntervalInMinutes        int `json:"backupIntervalInMinutes"`
		BackupRetentionIntervalInHours int `json:"backupRetentionIntervalInHours"`
	} `json:"periodicModeProperties"`
}

// SQLResource is a database or a container.
type SQLResource struct {
	Resource any         `json:"resource"`
	Options  *SQLOptions `json:"options,omitempty"`
}

// SQLOptions are the request units of a database or a container.
type SQLOptions struct {
	Throughput Int `json:"throughput,omitempty"`
}

// SQLRoleAssignment lets a principal use the documents of an account.
type SQLRoleAssignment struct {
	PrincipalID      string `json:"principalId"`
	RoleDefinitionID string `json:"roleDefinitionId"`
	Scope            string `json:"scope"`
}

// database is the account with everything that the service expects in it. The containers are those
// that the store's driver requires.
func database() []Resource {
	account := param("databaseAccount")
	backup := BackupPolicy{Type: "Periodic"}
	backup.PeriodicModeProperties.BackupIntervalInMinutes, backup.PeriodicModeProperties.BackupRetentionIntervalInHours = backupEvery, backupsKept
	accountID := idOf(accountKind, account)
	all := []Resource{
		{Type: accountKind, APIVersion: databaseAPI, Name: account, Location: here, Kind: "GlobalDocumentDB", Properties: Account{
			DatabaseAccountOfferType: "Standard", Locations: []AccountLocation{{here, 0, "[not(empty(parameters('zones')))]"}},
			ConsistencyPolicy: ConsistencyPolicy{"Strong"}, BackupPolicy: backup, MinimalTLSVersion: "Tls12",
			DisableLocalAuth: true, DisableKeyBasedMetadataWriteAccess: true,
			IsVirtualNetworkFilterEnabled: true, VirtualNetworkRules: []AccountSubnet{{subnetID(serviceNetwork, serviceSubnet)}},
		}},
		{Type: databaseKind, APIVersion: databaseAPI, Name: join(account, "/"+Database), DependsOn: []string{"[" + accountID + "]"},
			Properties: SQLResource{Named{}.id(Database), &SQLOptions{param("databaseThroughput")}}},
	}
	for _, c := range store.Containers() {
		all = append(all, Resource{Type: containerKind, APIVersion: databaseAPI, Name: join(account, "/"+Database+"/"+c.Name),
			DependsOn: []string{resourceID(databaseKind, account, Database)}, Properties: SQLResource{Resource: container(c)}})
	}
	return append(all, Resource{Type: sqlRoleKind, APIVersion: databaseAPI, Name: "[concat(parameters('databaseAccount'), '/', guid(" + accountID + ", parameters('identityPrincipalId'), 'data'))]",
		DependsOn: []string{resourceID(databaseKind, account, Database)},
		Properties: SQLRoleAssignment{param("identityPrincipalId"),
			resourceID(sqlDefinitionKind, account, roleCosmosDataContributor), "[concat(" + accountID + ", '/dbs/" + Database + "')]"}})
}

// id is the body of a database.
func (Named) id(name string) map[string]string { return map[string]string{"id": name} }

// container converts a container that the store's driver requires to the properties of Azure
// Resource Manager, which differ from Cosmos DB's in the case of one name.
func container(c *store.Container) map[string]any {
	content, err := json.Marshal(cosmos.Properties(c))
	body := map[string]any{}
	if err == nil {
		err = json.Unmarshal(content, &body)
	}
	if err != nil { // constants of this program
		panic(err)
	}
	if policy, ok := body["indexingPolicy"].(map[string]any); ok {
		mode, _ := policy["indexingMode"].(string)
		policy["indexingMode"] = strings.ToLower(mode)
	}
	return body
}

package cloud

import (
	"net/http"
	"net/url"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// metadata describes the cloud to clients, without authentication.
func (a *Azure) metadata(w http.ResponseWriter, r *http.Request) {
	body := a.describe()
	switch r.URL.Query().Get("api-version") {
	case "2018-01-01", "2015-01-01":
		resources.WriteJSON(w, http.StatusOK, map[string]any{
			"galleryEndpoint": a.Origin, "graphEndpoint": a.Origin + "/graph", "portalEndpoint": a.Origin,
			"authentication": body["authentication"], "cloudEndpoint": map[string]any{"public": map[string]any{"endpoint": a.host(), "locations": locationNames()}},
		})
	case "2019-05-01", "2020-06-01":
		resources.WriteJSON(w, http.StatusOK, []any{body})
	default:
		resources.WriteJSON(w, http.StatusOK, body)
	}
}

func (a *Azure) host() string {
	u, err := url.Parse(a.Origin)
	if err != nil {
		return ""
	}
	return u.Host
}

func (a *Azure) describe() map[string]any {
	return map[string]any{
		"name":            "AzureLocal",
		"portal":          a.Origin,
		"resourceManager": a.Origin,
		"authentication": map[string]any{
			"loginEndpoint": a.Origin, "audiences": []string{a.Origin}, "tenant": "common", "identityProvider": "AAD",
		},
		"graph":                                 a.Origin + "/graph",
		"graphAudience":                         a.Origin + "/graph",
		"microsoftGraphResourceId":              a.Origin + "/graph",
		"checkAccess":                           a.Origin + "/checkaccess",
		"sqlManagement":                         a.Origin,
		"batch":                                 a.Origin,
		"gallery":                               a.Origin,
		"vmImageAliasDoc":                       a.Origin + "/local/aliases.json",
		"media":                                 a.Origin,
		"ossrDbmsResourceId":                    a.Origin,
		"activeDirectoryDataLake":               a.Origin,
		"appInsightsResourceId":                 a.Origin,
		"appInsightsTelemetryChannelResourceId": a.Origin,
		"logAnalyticsResourceId":                a.Origin,
		"synapseAnalyticsResourceId":            a.Origin,
		"attestationResourceId":                 a.Origin,
		"suffixes": map[string]any{
			"storage": a.host(), "keyVaultDns": "vaults." + a.host(), "acrLoginServer": "azurecr.io",
			"sqlServerHostname": "database.test", "mysqlServerEndpoint": "mysql.test", "postgresqlServerEndpoint": "postgres.test",
			"mariadbServerEndpoint": "mariadb.test", "azureDataLakeStoreFileSystem": "datalake.test", "azureDataLakeAnalyticsCatalogAndJob": "analytics.test",
			"storageSyncEndpointSuffix": "afs.test", "mhsmDns": "hsm.test", "synapseAnalytics": "synapse.test", "attestationEndpoint": "attest.test",
		},
	}
}

package armtemplates

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTemplatesFollowTheRulesOfARMTTK checks what Microsoft's arm-ttk checks of templates like
// these, as far as it needs no list of what Azure offers. The tool itself needs PowerShell.
func TestTemplatesFollowTheRulesOfARMTTK(t *testing.T) {
	for name, template := range All() {
		content, err := template.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]any
		if err := json.Unmarshal(content, &read); err != nil {
			t.Fatal(err)
		}
		faults := violations(read)
		for _, fault := range faults {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// notIDs are members that end like ids of resources and are none.
var notIDs = []string{"tenantId", "clientId", "objectId", "subscriptionId"}

var (
	idExpression = regexp.MustCompile(`^\[(extensionResourceId|resourceId|subscriptionResourceId|tenantResourceId|if|parameters|reference|variables|subscription|guid)\(`)
	cloudsHost   = regexp.MustCompile(`(?i)(management|login|vault|core|database|graph)\.(azure|windows|microsoftonline|usgovcloudapi|chinacloudapi)\.`)
	fixedVersion = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

// violations lists what is against the rules in a template.
func violations(template map[string]any) (faults []string) {
	note := func(rule, value string) { faults = append(faults, rule+": "+value) }
	if template["$schema"] != "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#" || template["contentVersion"] == "" {
		note("the schema is correct", "")
	}
	secure := map[string]bool{}
	parameters, _ := template["parameters"].(map[string]any)
	for name, p := range parameters {
		declared := p.(map[string]any)
		_, preset := declared["defaultValue"]
		if secure[name] = strings.HasPrefix(declared["type"].(string), "secure"); secure[name] && preset {
			note("secure parameters have no default", name)
		}
	}
	if l, ok := parameters["location"].(map[string]any); ok && (l["type"] != "string" || l["defaultValue"] != "[resourceGroup().location]") {
		note("the location is not hard-coded", "")
	}
	outputs, _ := json.Marshal(template["outputs"])
	for name := range secure {
		if secure[name] && strings.Contains(string(outputs), "parameters('"+name+"')") {
			note("outputs contain no secrets", name)
		}
	}
	if regexp.MustCompile(`(?i)\blist[a-z]*\(`).Match(outputs) {
		note("outputs contain no secrets", "list…()")
	}
	for _, r := range template["resources"].([]any) {
		resource := r.(map[string]any)
		if l, ok := resource["location"].(string); ok && !strings.EqualFold(l, "global") && !strings.HasPrefix(l, "[") {
			note("the location is not hard-coded", l)
		}
		if version, _ := resource["apiVersion"].(string); !fixedVersion.MatchString(version) {
			note("API versions are no previews", version)
		}
		walk("", resource, func(member string, value any) {
			if resource["type"] == databaseKind || resource["type"] == containerKind {
				member = strings.TrimSuffix(member, "id") // Cosmos DB's own names, which arm-ttk takes for ids
			}
			faults = append(faults, ofMember(member, value)...)
		})
	}
	return faults
}

// ofMember lists what is against the rules in a member of a resource, or in an element of a list.
func ofMember(member string, value any) (faults []string) {
	note := func(rule, value string) { faults = append(faults, rule+": "+member+" "+value) }
	text, isText := value.(string)
	object, isObject := value.(map[string]any)
	list, isList := value.([]any)
	if (value == nil || isText && text == "" || isObject && len(object) == 0 || isList && len(list) == 0) &&
		!strings.HasPrefix(member, "[") && !slices.Contains([]string{"properties", "defaultValue", "value"}, member) {
		note("nothing is blank", "")
	}
	if !isText {
		return faults
	}
	switch {
	case strings.HasSuffix(strings.ToLower(member), "id") && !slices.Contains(notIDs, member) && !idExpression.MatchString(text):
		note("ids are made by resourceId", text)
	case member == "dependsOn" && (strings.HasPrefix(text, "[if(") || strings.HasPrefix(text, "[concat(")):
		note("dependencies are no conditions and no concatenations", text)
	case (member == "adminUsername" || member == "adminPassword") && !strings.HasPrefix(text, "["):
		note("administrators are no literals", text)
	case member == "version" && text != "latest":
		note("images have the latest version", text)
	case strings.Contains(text, "resourceGroup().location"):
		note("the location is a parameter", text)
	case cloudsHost.MatchString(text):
		note("hosts of a cloud are not hard-coded", text)
	}
	return faults
}

// walk visits every member of a value, and the elements of lists by the member's name.
func walk(member string, value any, visit func(member string, value any)) {
	if member != "" {
		visit(member, value)
	}
	switch value := value.(type) {
	case map[string]any:
		for name, below := range value {
			walk(name, below, visit)
		}
	case []any:
		for _, element := range value {
			walk(member, element, visit)
		}
	}
}

func TestTheRulesOfARMTTKFindFaults(t *testing.T) {
	for fault, resource := range map[string]string{
		"nothing is blank":                  `{"apiVersion":"2024-01-01","properties":{"tags":{}}}`,
		"ids are made by resourceId":        `{"apiVersion":"2024-01-01","properties":{"subnet":{"id":"[concat('/subscriptions/', 'x')]"}}}`,
		"administrators are no literals":    `{"apiVersion":"2024-01-01","properties":{"adminUsername":"root"}}`,
		"API versions are no previews":      `{"apiVersion":"2024-01-01-preview"}`,
		"dependencies are no conditions":    `{"apiVersion":"2024-01-01","dependsOn":["[concat('a','b')]"]}`,
		"the location is not hard-coded":    `{"apiVersion":"2024-01-01","location":"eastus"}`,
		"hosts of a cloud are not hard-cod": `{"apiVersion":"2024-01-01","properties":{"at":"https://management.azure.com/"}}`,
		"images have the latest version":    `{"apiVersion":"2024-01-01","properties":{"imageReference":{"version":"1.0.0"}}}`,
	} {
		var read any
		if err := json.Unmarshal([]byte(resource), &read); err != nil {
			t.Fatal(err)
		}
		faults := violations(map[string]any{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "resources": []any{read}})
		if len(faults) != 1 || !strings.HasPrefix(faults[0], fault) {
			t.Errorf("%s: got %q, want %q", resource, faults, fault)
		}
	}
}

package armtemplates

// ActionGroup lists the receivers of alerts.
type ActionGroup struct {
	GroupShortName string `json:"groupShortName"`
	Enabled        bool   `json:"enabled"`
}

// subscription is what all regions of a subscription share.
func subscription() *Template {
	t := newTemplate(Resource{Type: actionGroupKind, APIVersion: actionGroupAPI, Name: "rp-health-ag", Location: "Global", Properties: ActionGroup{"rphealth", true}})
	return t.output("actionGroupId", resourceID(actionGroupKind, "rp-health-ag"))
}

// MetricAlert is an alert on measurements.
type MetricAlert struct {
	Description         string        `json:"description"`
	Severity            int           `json:"severity"`
	Enabled             bool          `json:"enabled"`
	AutoMitigate        bool          `json:"autoMitigate"`
	Scopes              []string      `json:"scopes"`
	EvaluationFrequency string        `json:"evaluationFrequency"`
	WindowSize          string        `json:"windowSize"`
	TargetResourceType  string        `json:"targetResourceType"`
	Criteria            AlertCriteria `json:"criteria"`
	Actions             []AlertAction `json:"actions"`
}

// AlertCriteria are all to be met.
type AlertCriteria struct {
	Type  string           `json:"odata.type"`
	AllOf []AlertCriterion `json:"allOf"`
}

// AlertCriterion compares a measurement.
type AlertCriterion struct {
	CriterionType   string           `json:"criterionType"`
	Name            string           `json:"name"`
	MetricName      string           `json:"metricName"`
	TimeAggregation string           `json:"timeAggregation"`
	Operator        string           `json:"operator"`
	Threshold       int              `json:"threshold"`
	Dimensions      []AlertDimension `json:"dimensions,omitempty"`
}

// AlertDimension chooses measurements.
type AlertDimension struct {
	Name     string   `json:"name"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

// AlertAction calls an action group.
type AlertAction struct {
	ActionGroupID string `json:"actionGroupId"`
}

func criterion(metric, aggregation, operator string, threshold int, dimensions ...AlertDimension) AlertCriterion {
	return AlertCriterion{"StaticThresholdCriterion", metric, metric, aggregation, operator, threshold, dimensions}
}

// alerts report when machines, the public address or the database fail.
func alerts() []Resource {
	alert := func(name, kind, of string, a MetricAlert, all ...AlertCriterion) Resource {
		a.Enabled, a.AutoMitigate, a.TargetResourceType, a.Scopes = true, true, kind, []string{resourceID(kind, of)}
		a.Criteria = AlertCriteria{"Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", all}
		a.Actions = []AlertAction{{param("actionGroupId")}}
		return Resource{Type: alertKind, APIVersion: insightsAPI, Name: "[concat('" + name + "-', parameters('location'))]", Location: "global", DependsOn: a.Scopes, Properties: a}
	}
	return []Resource{
		alert("rp-availability-alert", balancerKind, balancerName, MetricAlert{Description: "Most machines are not ready.", Severity: 2, EvaluationFrequency: "PT5M", WindowSize: "PT15M"},
			criterion("DipAvailability", "Average", "LessThan", 30)),
		alert("rp-degraded-alert", balancerKind, balancerName, MetricAlert{Description: "A machine has not been ready for hours.", Severity: 3, EvaluationFrequency: "PT15M", WindowSize: "PT6H"},
			criterion("DipAvailability", "Average", "LessThan", 67)),
		alert("rp-vnet-alert", balancerKind, balancerName, MetricAlert{Description: "The public address cannot be reached.", Severity: 2, EvaluationFrequency: "PT5M", WindowSize: "PT5M"},
			criterion("VipAvailability", "Average", "LessThan", 33)),
		alert("rp-cosmosdb-alert", accountKind, param("databaseAccount"), MetricAlert{Description: "The database refuses requests for want of request units.", Severity: 3, EvaluationFrequency: "PT5M", WindowSize: "PT1H"},
			criterion("TotalRequests", "Count", "GreaterThan", 10, AlertDimension{"StatusCode", "Include", []string{"429"}}),
			criterion("NormalizedRUConsumption", "Average", "GreaterThan", 90)),
	}
}

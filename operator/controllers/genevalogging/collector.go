package genevalogging

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Names and numbers that the configuration and the DaemonSets share.
const (
	endpointVariable = "GENEVA_GATEWAY_ENDPOINT"
	nodeVariable     = "MONITORING_ROLE_INSTANCE"
	storageDirectory = "/var/lib/otelcol/file_storage"
	storage          = "file_storage"
	healthPort       = 13133
	metricsPort      = 8888
)

// The profiles, from the least that is exported to the most.
const (
	minimal = "minimal-logs"
	reduced = "reduced-logs"
	most    = "max-logs"
)

type (
	object = map[string]any
	list   = []any
)

// source is a kind of logs: how it is read, and what is done with its records in a profile.
type source struct {
	name     string
	receiver string
	config   object
	// dropped are the conditions of records that are not exported, by profile.
	dropped map[string][]string
	// statements give records the form that the service's queries expect.
	statements []string
}

// configuration returns the collector's configuration for the nodes of a role, as YAML.
func configuration(role role, profile string) (string, error) {
	if !slices.Contains([]string{minimal, reduced, most}, profile) {
		return "", fmt.Errorf("the profile %q of the logs of nodes with the role %s is none of %s, %s and %s", profile, role.name, minimal, reduced, most)
	}
	sources := []source{journald(role.name == "master"), containers(profile)}
	if role.name == "master" {
		sources = append(sources, audit())
	}
	receivers, pipelines := object{}, object{}
	processors := object{
		"memory_limiter": object{"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 15},
		"batch":          object{"timeout": "10s", "send_batch_size": 2048, "send_batch_max_size": 4096},
	}
	for _, s := range sources {
		steps := list{"memory_limiter"}
		if conditions := s.dropped[profile]; len(conditions) > 0 {
			processors["filter/"+s.name] = object{"error_mode": "ignore", "logs": object{"log_record": conditions}}
			steps = append(steps, "filter/"+s.name)
		}
		statements := append(s.statements, named(s.name)...)
		processors["transform/"+s.name] = object{"error_mode": "ignore", "log_statements": list{object{"context": "log", "statements": statements}}}
		receivers[s.receiver] = s.config
		pipelines["logs/"+s.name] = object{"receivers": list{s.receiver}, "processors": append(steps, "transform/"+s.name, "batch"), "exporters": list{"otlp_grpc/gateway"}}
	}
	text, err := yaml.Marshal(object{
		"receivers": receivers, "processors": processors, "exporters": exporters(),
		"extensions": object{
			"health_check": object{"endpoint": fmt.Sprintf("0.0.0.0:%d", healthPort), "path": "/healthz"},
			storage:        object{"directory": storageDirectory},
		},
		"service": object{
			"extensions": list{"health_check", storage}, "pipelines": pipelines,
			"telemetry": object{"metrics": object{"level": "basic", "readers": list{
				object{"pull": object{"exporter": object{"prometheus": object{"host": "0.0.0.0", "port": metricsPort}}}}}}},
		},
	})
	return string(text), err
}

func exporters() object {
	return object{"otlp_grpc/gateway": object{
		"endpoint": "${env:" + endpointVariable + "}", "compression": "gzip",
		"retry_on_failure": object{"enabled": true},
		"sending_queue":    object{"enabled": true, "storage": storage, "queue_size": 1200, "num_consumers": 2},
	}}
}

// named are the attributes that every record has.
func named(source string) []string {
	return []string{
		set(`attributes["node"]`, `"${env:`+nodeVariable+`}"`),
		`delete_key(attributes, "Environment")`,
		set(`attributes["source_name"]`, quoted(source)),
		set(`attributes["EventName"]`, quoted(source)),
	}
}

// journald reads the journal of the node. The kubelet writes one message as several records.
func journald(master bool) source {
	return source{
		name: "journald", receiver: "journald",
		config: object{
			"directory": "/var/log/journal", "journalctl_path": "/usr/bin/journalctl", "start_at": "beginning", "storage": storage,
			"operators": list{object{
				"type": "recombine", "if": `body.SYSLOG_IDENTIFIER == "kubenswrapper"`, "combine_field": "body.MESSAGE", "combine_with": "\n",
				"is_first_entry": `body.MESSAGE matches "^\\S"`, "source_identifier": `body._PID`, "force_flush_period": "5s", "on_error": "send_quiet",
			}},
		},
		dropped:    map[string][]string{minimal: {noise(), not(worthSending(master))}, reduced: {noise()}},
		statements: journalStatements(),
	}
}

// containers reads the logs of the platform's pods.
func containers(profile string) source {
	namespaces := []string{"default", "kube-*", "openshift", "openshift-*"}
	if profile == minimal {
		namespaces = prefixed("openshift-", "azure-*", "apiserver", "authentication", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "dns", "ingress",
			"ovn-kubernetes", "network-operator", "machine-config-operator", "machine-api", "cloud-controller-manager")
	}
	return source{
		name: "containers", receiver: "file_log/containers",
		config: object{
			"include": globs(namespaces), "exclude": globs(customers()), "start_at": "end", "storage": storage,
			"include_file_path": false, "include_file_path_resolved": true, "operators": containerOperators(),
		},
		dropped: map[string][]string{
			minimal: {not(or(`severity_number >= SEVERITY_NUMBER_WARN`, match("body", "ClusterOperatorDegraded")))},
			reduced: {match(`resource.attributes["k8s.namespace.name"]`, "^openshift-operator-lifecycle-manager$")},
		},
		statements: containerStatements(),
	}
}

// customers are the namespaces with the platform's prefix whose logs are the customer's.
func customers() []string {
	return prefixed("openshift-", "logging", "keda", "gitops", "user-workload-monitoring", "adp", "distributed-tracing", "cnv", "serverless", "pipelines", "nfd")
}

func prefixed(prefix string, names ...string) []string {
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names
}

// globs are the names of log files of namespaces: pod, namespace, container.
func globs(namespaces []string) []string {
	files := make([]string, len(namespaces))
	for i, namespace := range namespaces {
		files[i] = "/var/log/containers/*_" + namespace + "_*.log"
	}
	return files
}

// containerOperators parse what containers write. A line that has none of the forms stays as it is.
func containerOperators() list {
	parser := func(when string, config object) object {
		config["type"], config["if"], config["parse_from"], config["on_error"] = "regex_parser", when, "body", "send_quiet"
		return config
	}
	severity := func(from string, mapping object) object { return object{"parse_from": from, "mapping": mapping} }
	return list{
		object{"type": "move", "from": `attributes["log.file.path_resolved"]`, "to": `attributes["log.file.path"]`},
		object{"type": "container", "format": "crio", "add_metadata_from_filepath": true, "on_error": "send_quiet"},
		parser(`body matches "^[IWEF][0-9]{4} "`, object{
			"regex":    `^(?P<klog_level>[IWEF])\d{4} [\d:.]+ +\d+ (?P<source_file>[^:\]]+):(?P<source_line>\d+)\] (?P<message>(?s:.*))$`,
			"severity": severity("attributes.klog_level", object{"info": "I", "warn": "W", "error": "E", "fatal": "F"})}),
		parser(`body matches "(^| )level=[a-z]+( |$)"`, object{
			"regex":    `(?:^| )level=(?P<level>[a-z]+)(?: |$)`,
			"severity": severity("attributes.level", object{"fatal": list{"fatal", "panic"}})}),
		parser(`body matches " msg=\""`, object{"regex": ` msg="(?P<msg>(?:[^"\\]|\\.)*)"(?: (?P<fields>.*))?$`}),
		parser(`body matches " file=\"?[^ :]+:[0-9]+"`, object{"regex": ` file="?(?P<source_file>[^ :"]+):(?P<source_line>\d+)`}),
		parser(`body matches "^[^\\t]+\\t(?i:debug|info|warn|error|dpanic|panic|fatal)\\t"`, object{
			"regex":    `^[^\t]+\t(?P<level>[A-Za-z]+)\t(?:(?P<logger>[^\t{]+)\t)?(?P<message>[^\t]*)(?:\t(?P<fields>(?s:.*)))?$`,
			"severity": severity("attributes.level", object{"fatal": list{"fatal", "panic", "dpanic"}})}),
	}
}

func containerStatements() []string {
	return []string{
		`merge_maps(attributes, ExtractPatterns(body, "(?:^| )err(?:or)?=\"(?P<error>(?:[^\"\\\\]|\\\\.)*)\""), "insert") where IsString(body)`,
		set(`attributes["raw_json_body"]`, "String(body)"),
		set(`attributes["container"]`, `resource.attributes["k8s.container.name"]`),
		set(`attributes["pod"]`, `resource.attributes["k8s.pod.name"]`),
		set(`attributes["namespace"]`, `resource.attributes["k8s.namespace.name"]`),
		`flatten(attributes)`,
	}
}

// audit reads what the API server notes of requests.
func audit() source {
	s := source{
		name: "audit", receiver: "file_log/audit",
		config: object{
			"include": list{"/var/log/kube-apiserver/audit.log"}, "start_at": "end", "storage": storage, "on_truncate": "read_whole_file",
			"operators": list{object{
				"type": "json_parser", "parse_from": "body", "parse_to": "body", "on_error": "send_quiet",
				"timestamp": object{"parse_from": "body.stageTimestamp", "layout_type": "gotime", "layout": "2006-01-02T15:04:05.999999999Z07:00"},
			}},
		},
		dropped: map[string][]string{minimal: uninteresting(), reduced: uninteresting()},
		statements: []string{
			`delete_key(body, "requestObject")`, `delete_key(body, "responseObject")`,
			set(`attributes["raw_json_body"]`, "String(body)"),
		},
	}
	for part, fields := range auditFields {
		for _, field := range fields {
			from := fmt.Sprintf(`body[%q][%q]`, part, field)
			s.statements = append(s.statements, set(fmt.Sprintf(`attributes["%s_%s"]`, part, field), from)+" where "+from+" != nil")
		}
	}
	slices.Sort(s.statements[3:])
	s.statements = append(s.statements, set(`attributes["namespace"]`, `body["objectRef"]["namespace"]`)+` where body["objectRef"]["namespace"] != nil`)
	return s
}

// auditFields are the members of objects that become attributes.
var auditFields = map[string][]string{
	"user":             {"username", "uid", "groups"},
	"impersonatedUser": {"username", "uid", "groups"},
	"responseStatus":   {"code", "status", "reason", "message"},
	"objectRef":        {"resource", "namespace", "name", "apiGroup", "apiVersion", "subresource", "uid", "resourceVersion"},
}

func journalStatements() []string {
	numbers := []int{21, 19, 18, 17, 13, 10, 9, 5} // of severity, by priority
	statements := []string{
		set(`attributes["journald"]`, "body"),
		// Of the journal's own fields, which begin with an underscore, three are kept.
		`delete_matching_keys(attributes["journald"], "^_([^PSB]|P[^I]|S[^Y]|B[^O]|SYSTEMD_[^U]|SYSTEMD_USER_).*")`,
		`delete_matching_keys(attributes["journald"], "^(JOB_|NM_|COREDUMP_|CODE_|SYSLOG_RAW|SYSLOG_TIMESTAMP|SYSLOG_FACILITY|INVOCATION_ID|TIMESTAMP_|GLIB_|CPU_USAGE_|__).*")`,
		set(`attributes["SYSLOG_IDENTIFIER"]`, `body["SYSLOG_IDENTIFIER"]`) + ` where body["SYSLOG_IDENTIFIER"] != nil`,
	}
	for priority, number := range numbers {
		statements = append(statements, set("severity_number", fmt.Sprint(number))+fmt.Sprintf(` where severity_number == 0 and body["PRIORITY"] == "%d"`, priority))
	}
	return append(statements, set("body", `body["MESSAGE"]`))
}

func set(target, value string) string { return "set(" + target + ", " + value + ")" }

func quoted(text string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`) + `"`
}

package machine

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// Logs configures where logs go.
type Logs struct {
	// Image of the OpenTelemetry collector, with its contrib receivers; empty for none.
	Image string
	// Endpoint takes OTLP over HTTP.
	Endpoint string
	// Location of the machine, and Build of the service, which each record carries.
	Location, Build string
}

type object = map[string]any

// Collector is the configuration of the OpenTelemetry collector, with the components that the
// program in the folder collector has. It sends the service's
// log, its audit and the machine's start, each under its own source. Records are kept in
// memory within bounds: what cannot be sent for long is dropped before the service suffers.
func (l Logs) Collector() ([]byte, error) {
	fromJournal := func(source string, units ...string) object {
		return object{"directory": journal, "units": units, "priority": "info", "attributes": object{"source_name": source},
			"operators": []object{{"type": "json_parser", "parse_from": "body.MESSAGE", "on_error": "send_quiet"}}}
	}
	pipeline := func(receiver string) object {
		return object{"receivers": []string{receiver}, "processors": []string{"memory_limiter", "resource", "batch"}, "exporters": []string{"otlphttp"}}
	}
	text, err := yaml.Marshal(object{
		"extensions": object{"health_check": object{"endpoint": "127.0.0.1:13133"}},
		"receivers": object{
			"journald/service": fromJournal("service", unitOf("rp"), unitOf("monitor"), unitOf("portal")),
			"journald/start":   fromJournal("start", "cloud-init.service", "cloud-final.service", collectorUnit, agentUnit),
			"filelog/audit": object{"include": []string{logs + "/audit.jsonl"}, "start_at": "beginning", "attributes": object{"source_name": "audit"},
				"operators": []object{{"type": "json_parser"}}},
		},
		"processors": object{
			"memory_limiter": object{"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 12},
			"batch":          object{"timeout": "30s", "send_batch_size": 4096, "send_batch_max_size": 8192},
			"resource": object{"attributes": []object{
				{"key": "service.name", "value": "aro", "action": "upsert"}, {"key": "service.version", "value": l.Build, "action": "upsert"},
				{"key": "cloud.provider", "value": "azure", "action": "upsert"}, {"key": "cloud.region", "value": l.Location, "action": "upsert"},
				{"key": "host.ip", "value": "${env:HOST_IP}", "action": "upsert"},
			}},
		},
		"exporters": object{"otlphttp": object{"endpoint": l.Endpoint, "compression": "gzip",
			"sending_queue": object{"queue_size": 64}, "retry_on_failure": object{"initial_interval": "1s", "max_interval": "5s", "max_elapsed_time": "60s"}}},
		"service": object{
			"extensions": []string{"health_check"},
			"telemetry":  object{"logs": object{"level": "warn"}},
			"pipelines":  object{"logs/service": pipeline("journald/service"), "logs/start": pipeline("journald/start"), "logs/audit": pipeline("filelog/audit")},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("configuration of the collector: %w", err)
	}
	return text, nil
}

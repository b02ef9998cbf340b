package genevalogging

import "strings"

// Conditions of records, in the language of the collector's filters.

func or(conditions ...string) string { return "(" + strings.Join(conditions, " or ") + ")" }

func and(conditions ...string) string { return "(" + strings.Join(conditions, " and ") + ")" }

func not(condition string) string { return "not " + condition }

// match is true for a text that contains what matches a regular expression.
func match(field, expression string) string {
	return "IsMatch(" + field + ", " + quoted(expression) + ")"
}

func is(field, value string) string { return field + " == " + quoted(value) }

// journal is a field of a record of the journal.
func journal(field string) string { return `body["` + field + `"]` }

// noise are records of the journal that tell nothing, of which there are many.
func noise() string {
	from, message := journal("SYSLOG_IDENTIFIER"), journal("MESSAGE")
	return or(
		and(is(from, "ovs-vswitchd"), match(message, "flow_mods")),
		and(is(from, "sshd"), match(message, "Connection (reset|closed) by")),
		and(is(from, "NetworkManager"), match(message, "(veth|ovs-|\\(port\\)|Open vSwitch)")),
		and(is(from, "kernel"), match(message, "(entered|left) promiscuous mode")),
		and(is(from, "crio"), match(message, "host ?[nN]etwork")),
	)
}

// worthSending are the records of the journal that the smallest profile exports.
func worthSending(master bool) string {
	from, message := journal("SYSLOG_IDENTIFIER"), journal("MESSAGE")
	conditions := []string{
		match(journal("PRIORITY"), "^[0-4]$"),
		and(or(is(from, "kubenswrapper"), is(from, "crio")), match(message, "(?i)(fail|error|timed? ?out|deadline)")),
		and(is(from, "kernel"), match(message, "Command line:")),
		and(is(from, "systemd"), is(journal("_SYSTEMD_UNIT"), "init.scope"), match(message, "\\.service")),
	}
	if master {
		conditions = append(conditions, and(is(from, "kubenswrapper"), match(message, "SyncLoop")))
	}
	return or(conditions...)
}

// uninteresting are the requests that no engineer asks for: reads, reviews, leases, and those in
// the customer's namespaces.
func uninteresting() []string {
	namespace := `body["objectRef"]["namespace"]`
	platform := and(match(namespace, "^(default|kube-.*|openshift|openshift-.*)$"), not(match(namespace, "^("+strings.Join(customers(), "|")+")$")))
	return []string{
		not(match(`body["verb"]`, "^(create|update|delete|patch)$")),
		match(`body["objectRef"]["resource"]`, "^(tokenreviews|subjectaccessreviews|localsubjectaccessreviews|selfsubjectaccessreviews|selfsubjectrulesreviews)$"),
		is(`body["objectRef"]["resource"]`, "leases"),
		and(namespace+" != nil", not(platform)),
	}
}

// Command metricdocs writes docs/metrics.md: what is sent to MDM from the catalogue of
// metrics, and what /metrics serves from the calls in the source that make it.
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aro-rp/aro/metrics"
)

const intro = `<!-- Written by hack/metricdocs from metrics/catalogue.go and the source. Do not edit: run make generate. -->
# Metrics

Every process serves its own metrics at ` + "`/metrics`" + ` in Prometheus' format, and sends metrics to the agent of MDM (Geneva)
if it has one (` + "`--mdm-socket`" + `). [monitor.md](monitor.md) explains how to look at both on one machine.

`

func main() {
	page, err := document(".")
	if err == nil {
		err = os.WriteFile("docs/metrics.md", page, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "metrics documentation:", err)
		os.Exit(1)
	}
}

// document renders the page for the source below root.
func document(root string) ([]byte, error) {
	found, err := scan(root)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(intro)
	writeExposed(&b, found.exposed)
	service, clusters := metrics.Catalogue()
	common := metrics.CommonDimensions()
	fmt.Fprintf(&b, "\n## MDM: the service\n\nAll values are gauges. Every metric also has the dimensions %s. A part in `<…>` stands for a word.\n\n", code(common["service"]))
	writeSent(&b, service)
	fmt.Fprintf(&b, "\n## MDM: clusters\n\nWritten by `aro monitor` for each cluster. Every metric also has the dimensions %s. A problem is emitted only\nwhile it lasts; the admin API and the portal show those of the last check.\n\n",
		code(append(metrics.ClusterDimensions(), common["clusters"]...)))
	writeSent(&b, clusters)
	return b.Bytes(), nil
}

func writeExposed(b *bytes.Buffer, all []exposed) {
	b.WriteString("## Prometheus\n\nThe unit is the one in the name. Every process also has the metrics `go_…` and `process_…` of Prometheus' own collectors.\n\n")
	b.WriteString("| Name | Type | Labels | Emitted by | Meaning |\n|---|---|---|---|---|\n")
	for _, m := range all {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.name, m.kind, code(m.labels), processes(m.folder), cell(m.help))
	}
}

func writeSent(b *bytes.Buffer, all []metrics.Metric) {
	b.WriteString("| Name | Unit | Dimensions | Emitted by | Meaning |\n|---|---|---|---|---|\n")
	for _, m := range all {
		dims, meaning := code(m.Dims), m.Meaning
		if m.Open {
			dims = "named after what is found"
		}
		if m.Problem {
			meaning = "Problem. " + meaning
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Unit, dims, m.By, cell(meaning))
	}
}

// processes are those that emit what a folder declares.
func processes(folder string) string {
	top, _, _ := strings.Cut(folder, "/")
	switch top {
	case "backend":
		return "rp"
	case "monitor":
		return "monitor"
	case "operator", "portal":
		return top
	}
	return "rp, monitor, portal"
}

func code(names []string) string {
	quoted := slices.Clone(names)
	for i := range quoted {
		quoted[i] = "`" + quoted[i] + "`"
	}
	return strings.Join(quoted, ", ")
}

func cell(text string) string { return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text) }

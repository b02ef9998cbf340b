package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/openapi"
)

// described is one operation of a published file.
type described struct {
	version, method string
	// segments of the path; parameters are in braces.
	segments []string
	// statuses are the names of its responses.
	statuses map[string]json.RawMessage
}

// Declared reports whether the published file of the request's api-version has the
// status. Errors, and requests that no file describes, count as declared.
func (r *Reply) Declared() bool {
	if r.Status >= http.StatusBadRequest {
		return true
	}
	path, _, _ := strings.Cut(r.Request.Path, "?")
	segments := strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
	for _, d := range published() {
		if d.version == r.Request.Version && d.method == r.Request.Method && d.has(segments) {
			_, ok := d.statuses[strconv.Itoa(r.Status)]
			return ok
		}
	}
	return true
}

// Accepted returns the status of an asynchronous DELETE: 202, or 200 in a version
// whose file does not declare that.
func Accepted(version string) int {
	for _, d := range published() {
		if _, ok := d.statuses[strconv.Itoa(http.StatusAccepted)]; ok && d.version == version && d.method == http.MethodDelete {
			return http.StatusAccepted
		}
	}
	return http.StatusOK
}

func (d *described) has(segments []string) bool {
	if len(segments) != len(d.segments) {
		return false
	}
	for i, s := range d.segments {
		if s[0] != '{' && !arm.EqualFold(s, segments[i]) {
			return false
		}
	}
	return true
}

// published reads the files of all versions once. They are part of the program,
// so one that cannot be read is a mistake in it.
var published = sync.OnceValue(func() []described {
	var all []described
	for _, version := range Versions() {
		raw, err := openapi.Files.ReadFile("arm/" + version + "/redhatopenshift.json")
		if err != nil {
			panic(err)
		}
		var file struct {
			Paths map[string]map[string]struct {
				Responses map[string]json.RawMessage
			}
		}
		if err := json.Unmarshal(raw, &file); err != nil {
			panic(fmt.Sprintf("the file of %s: %v", version, err))
		}
		for path, methods := range file.Paths {
			for method, operation := range methods {
				all = append(all, described{version: version, method: strings.ToUpper(method),
					segments: strings.Split(strings.Trim(path, "/"), "/"), statuses: operation.Responses})
			}
		}
	}
	return all
})

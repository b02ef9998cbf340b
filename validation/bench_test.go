package validation_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/hack/generate/spec"
)

// BenchmarkPutBody compares what a full PUT body costs in the generated validator
// and in kin-openapi's filter, which is the baseline: at most an eighth of it.
func BenchmarkPutBody(b *testing.B) {
	body := rich(b, newest.APIVersion())
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var f arm.Faults
			newest.ValidateCluster(body, &f)
			if f.Len() > 0 {
				b.Fatal(f.Err())
			}
		}
	})
	b.Run("baseline", func(b *testing.B) {
		validate := kinFilter(b)
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if err := validate(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// kinFilter validates a PUT body as openapi3filter's middleware would.
func kinFilter(b *testing.B) func(body []byte) error {
	b.Helper()
	d, err := spec.Read("../openapi/arm/" + newest.APIVersion() + "/redhatopenshift.json")
	if err != nil {
		b.Fatal(err)
	}
	const path = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.RedHatOpenShift/openShiftClusters/{resourceName}"
	operation := d.OpenAPI.Paths.Value(path).Put
	options := &openapi3filter.Options{ExcludeReadOnlyValidations: true, MultiError: true}
	return func(body []byte) error {
		r := httptest.NewRequest(http.MethodPut, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		input := &openapi3filter.RequestValidationInput{Request: r, Options: options}
		return openapi3filter.ValidateRequestBody(context.Background(), input, operation.RequestBody.Value)
	}
}

package shape_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/generated/v20191231preview"
	"github.com/aro-rp/aro/generated/v20220904"
	"github.com/aro-rp/aro/generated/v20250725"
	"github.com/aro-rp/aro/shape"
)

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// TestEveryOperationOfTheSpecIsRouted calls each path of the spec, with values
// for its parameters, and looks at what arrives.
func TestEveryOperationOfTheSpecIsRouted(t *testing.T) {
	called, subscription := "", ""
	handle := func(c echo.Context, operationID string) error {
		called, subscription = operationID, c.Param("subscriptionId")
		return c.NoContent(http.StatusNoContent)
	}
	for _, test := range []struct {
		operations []shape.Operation
		routes     func(*echo.Echo)
		least      int
	}{
		{v20191231preview.Version{}.Operations(), func(e *echo.Echo) { v20191231preview.Version{}.Routes(e, handle) }, 8},
		{v20220904.Version{}.Operations(), func(e *echo.Echo) { v20220904.Version{}.Routes(e, handle) }, 10},
		{v20250725.Version{}.Operations(), func(e *echo.Echo) { v20250725.Version{}.Routes(e, handle) }, 13},
	} {
		e := echo.New()
		test.routes(e)
		if len(test.operations) < test.least {
			t.Errorf("only %d operations", len(test.operations))
		}
		for _, o := range test.operations {
			called, subscription = "", ""
			path := parameter.ReplaceAllString(o.Path, "$1-value")
			answer := httptest.NewRecorder()
			e.ServeHTTP(answer, httptest.NewRequest(o.Method, path+"?api-version=any", nil))
			if called != o.ID || answer.Code != http.StatusNoContent {
				t.Errorf("%s %s reaches %q with status %d: %s", o.Method, path, called, answer.Code, answer.Body)
			}
			if strings.Contains(o.Path, "{subscriptionId}") && subscription != "subscriptionId-value" {
				t.Errorf("%s %s: the subscription arrives as %q", o.Method, path, subscription)
			}
		}
	}
}

package httpserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/aro-rp/aro/httpserver"
)

// A server with one API: it answers at /hello, and has health, metrics, log and audit.
func ExampleNew() {
	hello := httpserver.API{
		Prefix: "/hello", Clients: []string{"people"},
		Route: func(x *httpserver.Exchange) func() error {
			if x.Request().Method != http.MethodGet {
				return func() error { return &httpserver.Refusal{Status: http.StatusMethodNotAllowed, Message: "Only GET."} }
			}
			x.Operation = "Hello"
			return func() error { return x.String(http.StatusOK, "hello\n") }
		},
	}
	s, err := httpserver.New(httpserver.Config{APIs: []httpserver.API{hello}, Auth: httpserver.Development{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "http://localhost/hello", nil))
		fmt.Println(w.Code, w.Body.String())
	}
	// Output:
	// 200 hello
	//
	// 405 {"error":{"code":"MethodNotAllowed","message":"Only GET.","target":""}}
}

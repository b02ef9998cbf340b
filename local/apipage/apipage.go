// Package apipage is the API in a browser: Swagger UI over the descriptions of all api-versions,
// whose "Try it out" calls the local Azure.
//
// The page holds no secret. It gets tokens from here, and only a page of this origin in a browser
// of this machine gets one. The API itself is described in package openapi; this package adapts the
// descriptions to the local Azure.
package apipage

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/swaggest/swgui/v5/static"
	"github.com/vearutop/statigz"

	"github.com/aro-rp/aro/initialdata"
)

// Prefix is where the page is, in the local Azure's origin.
const Prefix = "/local/api"

// tokenTimeout bounds how long a token is waited for.
const tokenTimeout = 15 * time.Second

// policy lets the page load from and connect to this origin only. Swagger UI sets style attributes,
// and its style sheet has pictures in data URLs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var page embed.FS

// Options of a page.
type Options struct {
	// Origin is where the browser finds page and API, such as https://localhost:8443.
	Origin string
	// Subscription is what parameters and examples are filled with.
	Subscription string
	// Version of OpenShift is what examples ask for; empty for that of new clusters.
	Version string
	// Token gives a token for Azure Resource Manager.
	Token func(context.Context) (string, error)
	// Client calls the origin to read the cluster that PUT starts with.
	Client *http.Client
	Log    *slog.Logger
}

// Page answers below Prefix. Make it with New.
type Page struct {
	Options
	origin *url.URL
	routes *http.ServeMux
}

// New makes the page of an origin.
func New(o Options) (*Page, error) {
	origin, err := url.Parse(o.Origin)
	if err != nil || origin.Host == "" {
		return nil, fmt.Errorf("API page: %q is no origin", o.Origin)
	}
	files, err := fs.Sub(page, "page")
	if err != nil {
		return nil, fmt.Errorf("API page: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		if o.Version, err = initialdata.DefaultVersion(); err != nil {
			return nil, fmt.Errorf("API page: %w", err)
		}
	}
	p := &Page{Options: o, origin: origin, routes: http.NewServeMux()}
	p.routes.Handle("GET "+Prefix+"/", http.StripPrefix(Prefix, http.FileServerFS(files)))
	p.routes.Handle("GET "+Prefix+"/ui/", http.StripPrefix(Prefix+"/ui", statigz.FileServer(static.FS)))
	p.routes.HandleFunc("GET "+Prefix+"/versions.json", p.versions)
	p.routes.HandleFunc("GET "+Prefix+"/openapi/{path...}", p.description)
	p.routes.HandleFunc("POST "+Prefix+"/token", p.token)
	return p, nil
}

// ServeHTTP answers only requests for the origin's own name: by another name that resolves to this
// machine, a foreign page could act as one of this origin (DNS rebinding).
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host != p.origin.Host {
		http.Error(w, "The API page is at "+p.Origin+Prefix+"/.", http.StatusMisdirectedRequest)
		return
	}
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-cache")
	p.routes.ServeHTTP(w, r)
}

// token is for the page's scripts. Browsers send the origin of every POST, and no script can change
// it.
func (p *Page) token(w http.ResponseWriter, r *http.Request) {
	site := r.Header.Get("Sec-Fetch-Site")
	if !local(r.RemoteAddr) || r.Header.Get("Origin") != p.Origin || (site != "" && site != "same-origin") {
		http.Error(w, "Tokens are for the API page in a browser on this machine; elsewhere use `aro-local token`.", http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), tokenTimeout)
	defer cancel()
	token, err := p.Token(ctx)
	if err != nil {
		p.Log.WarnContext(ctx, "the API page gets no token", "error", err)
		http.Error(w, "There is no token at the moment; the log of aro-local says why.", http.StatusBadGateway)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	p.answer(w, map[string]string{"token": token})
}

// local reports whether a peer is on this machine.
func local(address string) bool {
	peer, err := netip.ParseAddrPort(address)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

func (p *Page) answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		p.Log.Debug("the API page's reader went away", "error", err)
	}
}

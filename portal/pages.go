package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/httpserver"
)

//go:embed page assets
var files embed.FS

// assetLife is how long browsers keep style sheets and scripts.
const assetLife = "private, max-age=300"

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"when":  func(t time.Time) string { return stamp(t, "2006-01-02 15:04:05") },
	"iso":   func(t time.Time) string { return stamp(t, time.RFC3339) },
	"took":  func(d time.Duration) string { return d.Round(10 * time.Millisecond).String() },
	"ago":   func(now, then time.Time) string { return ago(now.Sub(then)) },
	"tone":  tone,
	"group": func(n int) string { return grouped(n) },
}).ParseFS(files, "page/*.html"))

// stamp is a time in UTC, or a dash.
func stamp(t time.Time, layout string) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(layout)
}

func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// grouped is a number with its thousands apart.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}

// tone is the colour of a state or a condition.
func tone(state string) string {
	switch state {
	case "Succeeded", "Running", "Ready", "True":
		return "green"
	case "Failed", "Degraded", "NotReady", "False":
		return "red"
	case "Creating", "Updating", "AdminUpdating", "Deleting", "Progressing":
		return "blue"
	}
	return "grey"
}

// view is what the layout shows around a page.
type view struct {
	Title, Page string
	Portal      *Portal
	Session     *session
	CSRF        string
	Data        any
}

// show answers with a page.
func (p *Portal) show(c *call, status int, page, title string, data any) error {
	v := view{Title: title, Page: page, Portal: p, Session: c.session, Data: data}
	if c.session != nil {
		v.CSRF = c.session.csrf()
	}
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, "layout", v); err != nil {
		return err
	}
	return c.Blob(status, "text/html; charset=utf-8", out.Bytes())
}

// PortalGetAsset gives a file that pages load.
func (p *Portal) PortalGetAsset(ec echo.Context, name string) error {
	c := ec.(*call)
	content, err := files.ReadFile("assets/" + path.Base(name))
	if err != nil {
		return &httpserver.Refusal{Status: http.StatusNotFound, Message: "There is no such file."}
	}
	c.Response().Header().Set("Cache-Control", assetLife)
	return c.Blob(http.StatusOK, mime.TypeByExtension(path.Ext(name)), content)
}

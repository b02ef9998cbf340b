package portal

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/httpserver"
)

//go:embed assets
var files embed.FS

// assetLife is how long browsers keep style sheets and scripts.
const assetLife = "private, max-age=300"

// stamp is a time in UTC, or a dash.
func stamp(t time.Time, layout string) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(layout)
}

// when is a time to the second.
func when(t time.Time) string { return stamp(t, time.DateTime) }

func took(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

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
	case "Succeeded", "Running", "Ready", "True", "Healthy":
		return "green"
	case "Failed", "Degraded", "NotReady", "False", "Problems", "Unreachable":
		return "red"
	case "Creating", "Updating", "AdminUpdating", "Deleting", "Progressing":
		return "blue"
	}
	return "grey"
}

// view is what the layout shows around a page. The pages themselves are the .templ files.
type view struct {
	Title   string
	Portal  *Portal
	Session *session
	CSRF    string
}

// page begins a page for the reader.
func (p *Portal) page(c *call, title string) view {
	v := view{Title: title, Portal: p, Session: c.session}
	if c.session != nil {
		v.CSRF = c.session.csrf()
	}
	return v
}

// tab is one of the pages of a cluster.
type tab struct{ path, title string }

// show answers with a page.
func (v view) show(c *call, content templ.Component) error {
	page, err := v.render(c.Ctx(), content)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "text/html; charset=utf-8", page)
}

// stream answers with a page whose parts are sent when they are there.
func (v view) stream(c *call, status int, content templ.Component) error {
	c.Response().Header().Set("Content-Type", "text/html; charset=utf-8")
	c.Response().WriteHeader(status)
	return v.layout(content).Render(c.Ctx(), c.Response())
}

func (v view) render(ctx context.Context, content templ.Component) ([]byte, error) {
	var out bytes.Buffer
	err := v.layout(content).Render(ctx, &out)
	return out.Bytes(), err
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

package portal

import (
	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/audit"
	api "github.com/aro-rp/aro/generated/portal"
	"github.com/aro-rp/aro/portal/audits"
)

// PortalShowAudit shows the audit records that match the query.
func (p *Portal) PortalShowAudit(ec echo.Context, _ api.PortalShowAuditParams) error {
	c := ec.(*call)
	s := audits.Search{Form: c.QueryParams(), Portal: "/audit"}
	q, err := audits.Query(s.Form, p.Now())
	if err != nil {
		return err
	}
	if s.Page, err = audit.Search(c.Ctx(), p.Store.Audit, q, s.Form.Get("next"), p.Now); err != nil {
		return err
	}
	v := p.page(c, "Audit")
	return v.show(c, v.titled(s.Show(q.To)))
}

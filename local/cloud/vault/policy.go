package vault

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
)

// Content types of a certificate's secret.
const (
	contentPEM    = "application/x-pem-file"
	contentPKCS12 = "application/x-pkcs12"
)

// policy describes how a certificate is made and renewed; its form is Key Vault's.
type policy struct {
	ID       string           `json:"id,omitempty"`
	Key      *keyProperties   `json:"key_props,omitempty"`
	Secret   *secretProps     `json:"secret_props,omitempty"`
	X509     *x509Properties  `json:"x509_props,omitempty"`
	Actions  []lifetimeAction `json:"lifetime_actions,omitempty"`
	Issuer   *issuer          `json:"issuer,omitempty"`
	Lifetime *attributes      `json:"attributes,omitempty"`
}

type keyProperties struct {
	Exportable *bool  `json:"exportable,omitempty"`
	Type       string `json:"kty,omitempty"`
	Size       int    `json:"key_size,omitempty"`
	Reuse      *bool  `json:"reuse_key,omitempty"`
	Curve      string `json:"crv,omitempty"`
}

type secretProps struct {
	ContentType string `json:"contentType,omitempty"`
}

type x509Properties struct {
	Subject  string   `json:"subject,omitempty"`
	Names    *names   `json:"sans,omitempty"`
	EKUs     []string `json:"ekus,omitempty"`
	KeyUsage []string `json:"key_usage,omitempty"`
	Months   int      `json:"validity_months,omitempty"`
}

type names struct {
	DNS    []string `json:"dns_names,omitempty"`
	Emails []string `json:"emails,omitempty"`
	UPNs   []string `json:"upns,omitempty"`
	IPs    []string `json:"ip_addresses,omitempty"`
	URIs   []string `json:"uris,omitempty"`
}

type lifetimeAction struct {
	Trigger *trigger `json:"trigger,omitempty"`
	Action  *action  `json:"action,omitempty"`
}

type trigger struct {
	Percentage int `json:"lifetime_percentage,omitempty"`
	Days       int `json:"days_before_expiry,omitempty"`
}

type action struct {
	Type string `json:"action_type,omitempty"`
}

type issuer struct {
	Name         string `json:"name,omitempty"`
	Type         string `json:"cty,omitempty"`
	Transparency *bool  `json:"cert_transparency,omitempty"`
}

// complete fills in Key Vault's defaults and refuses what it does not make.
func (p *policy) complete() error {
	if p.Issuer == nil || p.Issuer.Name == "" {
		return badParameter("Property policy.issuer.name is required.")
	}
	if arm.EqualFold(p.Issuer.Name, "Unknown") {
		return badParameter("The issuer 'Unknown' needs a merge of a signed certificate, which this vault does not offer.")
	}
	if p.X509 == nil || p.X509.Subject == "" && (p.X509.Names == nil || len(p.X509.Names.DNS) == 0) {
		return badParameter("Property policy.x509_props has to have a subject or DNS names.")
	}
	if p.X509.Months == 0 {
		p.X509.Months = 12
	}
	if p.X509.Months < 1 || p.X509.Months > 1200 {
		return badParameter("Property policy.x509_props.validity_months has to be 1 to 1200.")
	}
	if len(p.X509.EKUs) == 0 {
		p.X509.EKUs = []string{"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
	}
	if len(p.X509.KeyUsage) == 0 {
		p.X509.KeyUsage = []string{"digitalSignature", "keyEncipherment"}
	}
	if p.Secret == nil || p.Secret.ContentType == "" {
		p.Secret = &secretProps{ContentType: contentPKCS12}
	}
	if p.Secret.ContentType != contentPEM && p.Secret.ContentType != contentPKCS12 {
		return badParameter("Property policy.secret_props.contentType has to be %s or %s.", contentPEM, contentPKCS12)
	}
	return p.completeKey()
}

func (p *policy) completeKey() error {
	if p.Key == nil {
		p.Key = &keyProperties{}
	}
	k := p.Key
	if k.Type == "" {
		k.Type = "RSA"
	}
	if k.Size == 0 {
		k.Size = 2048
	}
	if !strings.HasPrefix(k.Type, "RSA") || k.Size != 2048 && k.Size != 3072 && k.Size != 4096 {
		return badParameter("Property policy.key_props has to ask for an RSA key of 2048, 3072 or 4096 bits.")
	}
	if yes := true; k.Exportable == nil {
		k.Exportable = &yes
	}
	if no := false; k.Reuse == nil {
		k.Reuse = &no
	}
	return nil
}

// merge takes over the parts that an update names.
func (p *policy) merge(change policy) {
	if change.Key != nil {
		p.Key = change.Key
	}
	if change.Secret != nil {
		p.Secret = change.Secret
	}
	if change.X509 != nil {
		p.X509 = change.X509
	}
	if change.Actions != nil {
		p.Actions = change.Actions
	}
	if change.Issuer != nil {
		p.Issuer = change.Issuer
	}
}

// renewAt is when the certificate renews itself; zero is never.
func (p *policy) renewAt(from, until time.Time) time.Time {
	for _, a := range p.Actions {
		if a.Action == nil || a.Trigger == nil || a.Action.Type != "AutoRenew" {
			continue
		}
		if a.Trigger.Days > 0 {
			return until.AddDate(0, 0, -a.Trigger.Days)
		}
		if a.Trigger.Percentage > 0 {
			return from.Add(until.Sub(from) * time.Duration(a.Trigger.Percentage) / 100)
		}
	}
	return time.Time{}
}

var usages = map[string]x509.KeyUsage{
	"digitalSignature": x509.KeyUsageDigitalSignature,
	"nonRepudiation":   x509.KeyUsageContentCommitment,
	"keyEncipherment":  x509.KeyUsageKeyEncipherment,
	"dataEncipherment": x509.KeyUsageDataEncipherment,
	"keyAgreement":     x509.KeyUsageKeyAgreement,
	"keyCertSign":      x509.KeyUsageCertSign,
	"cRLSign":          x509.KeyUsageCRLSign,
}

// template is the certificate that the policy describes, without serial number.
func (p *policy) template(now time.Time) (*x509.Certificate, error) {
	subject, err := parseSubject(p.X509.Subject)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		Subject:               subject,
		NotBefore:             now.Add(-10 * time.Minute), // as Key Vault: clocks differ
		NotAfter:              now.AddDate(0, p.X509.Months, 0),
		BasicConstraintsValid: true,
	}
	if n := p.X509.Names; n != nil {
		t.DNSNames, t.EmailAddresses = n.DNS, n.Emails
		for _, address := range n.IPs {
			t.IPAddresses = append(t.IPAddresses, net.ParseIP(address))
		}
	}
	for _, name := range p.X509.KeyUsage {
		usage, ok := usages[name]
		if !ok {
			return nil, badParameter("Property policy.x509_props.key_usage has no value '%s'.", name)
		}
		t.KeyUsage |= usage
	}
	for _, text := range p.X509.EKUs {
		if err := addUsage(t, text); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func addUsage(t *x509.Certificate, text string) error {
	switch text {
	case "1.3.6.1.5.5.7.3.1":
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		return nil
	case "1.3.6.1.5.5.7.3.2":
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
		return nil
	}
	var id asn1.ObjectIdentifier
	for part := range strings.SplitSeq(text, ".") {
		number, err := strconv.Atoi(part)
		if err != nil || number < 0 {
			return badParameter("Property policy.x509_props.ekus: '%s' is no object identifier.", text)
		}
		id = append(id, number)
	}
	t.UnknownExtKeyUsage = append(t.UnknownExtKeyUsage, id)
	return nil
}

// parseSubject reads a distinguished name such as "CN=*.apps.example, O=Some".
func parseSubject(text string) (name pkix.Name, err error) {
	if text == "" {
		return name, nil // the DNS names are the subject
	}
	for part := range strings.SplitSeq(text, ",") {
		attribute, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToUpper(strings.TrimSpace(attribute)) {
		case "CN":
			name.CommonName = value
		case "O":
			name.Organization = append(name.Organization, value)
		case "OU":
			name.OrganizationalUnit = append(name.OrganizationalUnit, value)
		case "C":
			name.Country = append(name.Country, value)
		case "L":
			name.Locality = append(name.Locality, value)
		case "S", "ST":
			name.Province = append(name.Province, value)
		default:
			ok = false
		}
		if !ok {
			return name, badParameter("Property policy.x509_props.subject '%s' is no distinguished name.", text)
		}
	}
	return name, nil
}

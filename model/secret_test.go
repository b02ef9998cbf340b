package model_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/aro-rp/aro/model"
)

func TestASecretPrintsAsAPlaceholderUnderEveryVerb(t *testing.T) {
	secret := model.Secret(canary)
	holders := map[string]any{
		"itself": secret, "pointer": &secret, "in a struct": model.ClusterProfile{PullSecret: secret},
		"behind a pointer": &model.ServicePrincipalProfile{ClientSecret: secret}, "in a list": []model.Secret{secret},
		"in a map": map[string]model.Secret{"k": secret}, "as a key": map[model.Secret]int{secret: 1}, "in any": []any{secret},
	}
	flags := []string{"", "+", "#", " ", "-", "0", "20", ".3", "+#", "-20.2"}
	for name, holder := range holders {
		for verb := 'A'; verb <= 'z'; verb++ {
			if (verb > 'Z' && verb < 'a') || verb == 'w' || verb == 'p' || verb == 'T' { // errors, addresses and types hold no text
				continue
			}
			for _, flag := range flags {
				format := "%" + flag + string(verb)
				mustHide(t, name+" under "+format, fmt.Sprintf(format, holder))
			}
		}
		mustHide(t, name+" printed", fmt.Sprint(holder)+fmt.Sprintln(holder))
	}
	if got := fmt.Sprintf("%s %v %q", secret, secret, secret); got != "[secret] [secret] [secret]" {
		t.Errorf("got %q, want placeholders", got)
	}
	mustHide(t, "as text", secret.String()+secret.GoString())
}

// mustHide looks for the text, and for its hexadecimal form that %x would make.
func mustHide(t *testing.T, where, text string) {
	t.Helper()
	hex := fmt.Sprintf("%x", canary)
	for _, leak := range []string{canary, hex, strings.ToUpper(hex), fmt.Sprintf("% x", canary)} {
		if strings.Contains(text, leak) {
			t.Errorf("%s shows the secret: %s", where, text)
		}
	}
}

func TestASecretStaysOutOfLogs(t *testing.T) {
	var out bytes.Buffer
	for name, handler := range map[string]slog.Handler{"text": slog.NewTextHandler(&out, nil), "json": slog.NewJSONHandler(&out, nil)} {
		out.Reset()
		log := slog.New(handler)
		secret := model.Secret(canary)
		log.Info("m", "secret", secret, "pointer", &secret, "profile", model.ClusterProfile{PullSecret: secret},
			"list", []model.Secret{secret}, slog.Group("group", "secret", secret))
		log.With("secret", secret).WithGroup("g").Info(fmt.Sprint("m ", secret), "cluster", &model.Cluster{Internal: model.Internal{KubeadminPassword: secret}})
		mustHide(t, name, out.String())
		if !strings.Contains(out.String(), "[secret]") {
			t.Errorf("%s: nothing was logged: %s", name, out.String())
		}
	}
}

func TestASecretCannotBeMarshalled(t *testing.T) {
	secret := model.Secret(canary)
	for name, holder := range map[string]any{
		"itself": secret, "pointer": &secret, "in a cluster": valid(), "in a list": []model.Secret{secret},
	} {
		text, err := json.Marshal(holder)
		if err == nil {
			t.Errorf("json of %s: got no error, want a refusal", name)
		}
		mustHide(t, "json of "+name, string(text)+fmt.Sprint(err))
	}
	text, err := xml.Marshal(secret)
	if err == nil {
		t.Error("xml: got no error, want a refusal")
	}
	mustHide(t, "xml", string(text)+fmt.Sprint(err))
}

func TestAnAbsentSecretIsLeftOut(t *testing.T) {
	text, err := json.Marshal(model.ServicePrincipalProfile{ClientID: "app"})
	if err != nil || string(text) != `{"clientId":"app"}` {
		t.Errorf("got %s, %v: absence is no secret", text, err)
	}
}

func TestASecretStaysOutOfTemplates(t *testing.T) {
	var out bytes.Buffer
	tmpl := template.Must(template.New("t").Parse(`{{.PullSecret}} {{printf "%s" .PullSecret}}`))
	if err := tmpl.Execute(&out, model.ClusterProfile{PullSecret: canary}); err != nil {
		t.Fatal(err)
	}
	mustHide(t, "template", out.String())
}

func TestWhoAsksForTheTextGetsIt(t *testing.T) {
	if got := string(model.Secret(canary)); got != canary {
		t.Errorf("got %q, want the text", got)
	}
}

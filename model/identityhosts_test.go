package model_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/model"
)

func TestIdentityHosts(t *testing.T) {
	t.Parallel()
	hosts := model.IdentityHosts{".identity.azure.net", "localhost:8443", "one.example.com"}
	for address, allowed := range map[string]bool{
		"https://control-eastus.identity.azure.net/subscriptions/x?tid=1": true,
		"https://CONTROL.identity.azure.net:443/":                         true,
		"https://localhost:8443/msi":                                      true,
		"https://one.example.com":                                         true,
		"https://localhost/msi":                                           false,
		"https://one.example.com:8443/":                                   false,
		"https://identity.azure.net/":                                     false,
		"https://evil-identity.azure.net/":                                false,
		"https://identity.azure.net.evil.example/":                        false,
		"https://evil.example/?.identity.azure.net":                       false,
		"https://evil.example#.identity.azure.net":                        false,
		"https://x.identity.azure.net@evil.example/":                      false,
		"https://user:secret@x.identity.azure.net/":                       false,
		"http://x.identity.azure.net/":                                    false,
		"//x.identity.azure.net/":                                         false,
		"https:x.identity.azure.net":                                      false,
		"https://x.identıty.azure.net/":                                   false,
		"https://x.identity.azure.net\\.evil.example/":                    false,
		"https://169.254.169.254/":                                        false,
		"https://":                                                        false,
		"":                                                                false,
		"https://x.identity.azure.net/" + strings.Repeat("x", 4096):       false,
	} {
		if err := hosts.Check(address); (err == nil) != allowed {
			t.Errorf("%.80s: %v", address, err)
		}
	}
	if err := (model.IdentityHosts{}).Check("https://x.identity.azure.net/"); err == nil {
		t.Error("no hosts allow every host")
	}
}

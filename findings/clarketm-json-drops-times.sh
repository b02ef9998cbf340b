#!/usr/bin/env bash
# github.com/clarketm/json v1.14.1, an encoding/json whose omitempty also leaves out empty
# structs; code around OpenShift's machine configs uses it. A struct whose fields are all
# unexported counts as empty whatever it holds, although the type has a MarshalJSON of its
# own. So a set time.Time with omitempty is silently left out, and with it the
# creationTimestamp of every Kubernetes object; likewise netip.Addr and big.Int.
#
# Seen: the output below. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"time"

	clarketm "github.com/clarketm/json"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type record struct {
	Name    string     `json:"name"`
	Expires time.Time  `json:"expires,omitempty"`
	Address netip.Addr `json:"address,omitempty"`
	Serial  big.Int    `json:"serial,omitempty"`
}

func show(name string, v any) {
	standard, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	other, err := clarketm.Marshal(v)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n  encoding/json: %s\n  clarketm/json: %s\n", name, standard, other)
}

func main() {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	show("a record", &record{Name: "a", Expires: at, Address: netip.MustParseAddr("10.0.0.1"), Serial: *big.NewInt(7)})
	show("a config map", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", CreationTimestamp: metav1.NewTime(at)}})
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/clarketm/json@v1.14.1 k8s.io/api@v0.32.1 k8s.io/apimachinery@v0.32.1 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
want='a record
  encoding/json: {"name":"a","expires":"2026-01-02T03:04:05Z","address":"10.0.0.1","serial":7}
  clarketm/json: {"name":"a"}
a config map
  encoding/json: {"metadata":{"name":"a","creationTimestamp":"2026-01-02T03:04:05Z"}}
  clarketm/json: {"metadata":{"name":"a"}}'
got=$(timeout 600 go run .)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi

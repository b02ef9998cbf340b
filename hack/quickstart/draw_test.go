package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestTheDrawingShowsTheEndAndEachStepInItsTime(t *testing.T) {
	var drawing strings.Builder
	draw(&drawing, paced([]line{
		{text: "create <demo>", typed: true},
		{text: "  1 %  validate", at: time.Second},
		{text: " 99 %  record", at: time.Minute},
		{text: "Succeeded", at: 2 * time.Minute},
	}))
	for decoder := xml.NewDecoder(strings.NewReader(drawing.String())); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, &drawing)
		}
	}
	for _, want := range []string{
		`style="animation:off 0.06s">$ create &lt;demo&gt;</text>`,
		`style="visibility:hidden;animation:on 0.70s 0.76s">  1 %  validate</text>`,
		`style="animation:off 1.46s"> 99 %  record</text>`,
		`style="animation:off 2.16s">Succeeded</text>`,
	} {
		if !strings.Contains(drawing.String(), want) {
			t.Errorf("no %s in\n%s", want, &drawing)
		}
	}
}

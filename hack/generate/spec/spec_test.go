package spec

import "testing"

func TestTry(t *testing.T) {
	for _, v := range []string{"2019-12-31-preview", "2020-04-30", "2021-09-01-preview", "2022-04-01", "2022-09-04", "2023-04-01", "2023-07-01-preview", "2023-09-04", "2023-11-22", "2024-08-12-preview", "2025-07-25"} {
		doc, err := Bundle("../../../openapi/arm/" + v + "/redhatopenshift.json")
		if err != nil {
			t.Error(err)
			continue
		}
		before, _ := clone(doc)
		KeepSiblings(doc)
		out, err := ToOpenAPI3(doc)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := Compare(before, out); err != nil {
			t.Error(v, err)
		}
		if _, err := Load(out); err != nil {
			t.Error(err)
		}
	}
}

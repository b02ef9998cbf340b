package server

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/v20250725"
	"github.com/aro-rp/aro/model"
)

func TestAnOperationWithoutAHandlerStopsTheStart(t *testing.T) {
	s := &Server{echo: echo.New(), table: &table{}, versions: map[string]*spoken{}}
	handlers := s.operations()
	delete(handlers, "OpenShiftVersions_Get")
	err := s.routeVersion(speak(v20250725.Version{}), handlers)
	if err == nil || !strings.Contains(err.Error(), "OpenShiftVersions_Get") {
		t.Errorf("got %v", err)
	}
}

// lesser is a version that cannot say OpenShift versions.
type lesser struct{ version }

func TestAnOperationThatTheVersionCannotSayStopsTheStart(t *testing.T) {
	s := &Server{echo: echo.New(), table: &table{}, versions: map[string]*spoken{}}
	v := speak(v20250725.Version{})
	v.version = lesser{v.version}
	if err := s.routeVersion(v, s.operations()); err == nil {
		t.Error("a version without encoders was registered")
	}
}

func TestCloneSharesNothingThatIsWritten(t *testing.T) {
	at := time.Now()
	original := func() *model.Cluster {
		c := &model.Cluster{ID: "id", Tags: map[string]string{"a": "b"}, SystemData: &model.SystemData{CreatedAt: &at},
			Identity: &model.Identity{UserAssignedIdentities: map[string]*model.UserAssignedIdentity{"i": {ClientID: "x"}}}}
		c.Properties.WorkerProfiles = []model.WorkerProfile{{Name: "worker", Count: 3}}
		c.Properties.ClusterProfile.PullSecret = "secret"
		c.CodecMissingField([]byte("future"), "kept")
		c.Internal.Operation = &model.Operation{Finished: []model.Step{{Name: "one"}}}
		c.Internal.AdminKubeconfig = "secret"
		return c
	}
	c := original()
	copied := clone(c)
	if !reflect.DeepEqual(c, copied) {
		t.Fatalf("got %+v, want %+v", copied, c)
	}
	copied.Tags["a"] = "c"
	copied.Identity.UserAssignedIdentities["i"].ClientID = "y"
	copied.Properties.WorkerProfiles[0].Count = 4
	copied.Internal.Operation.Finished[0].Name = "two"
	*copied.SystemData.CreatedAt = at.Add(time.Hour)
	if !reflect.DeepEqual(c, original()) {
		t.Errorf("writing to the copy changed the original: %+v", c)
	}
}

func TestExpressionsAreTakenOutWhereTheyStand(t *testing.T) {
	var found expressions
	body := map[string]any{"a": "[x]", "b": map[string]any{"c": "[y]", "d": "text"}, "e": []any{"[z]", "[[escaped]", map[string]any{"f": "[w]"}}}
	found.strip("", body)
	if len(found) != 4 {
		t.Errorf("found %q", found)
	}
	want := map[string]any{"b": map[string]any{"d": "text"}, "e": []any{nil, "[[escaped]", map[string]any{}}}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("left %v, want %v", body, want)
	}
	for inner, outer := range map[string]string{"a.b": "a", "a[0]": "a", "a": "a"} {
		if !within(inner, outer) {
			t.Errorf("%s is in %s", inner, outer)
		}
	}
	if within("ab", "a") || within("a", "a.b") {
		t.Error("a name that begins with another's is not in it")
	}
}

func TestQueryParametersHaveTheSpellingOfTheSpecs(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`"name": "([^"]+)",\s+"in": "query"|"in": "query",\s+"name": "([^"]+)"`)
	names := []string{"api-version", "$top", "$skipToken"}
	for _, pattern := range []string{"admin/*.json", "arm/*/*/*/*.json", "arm/*/*.json", "arm/*.json"} {
		files, err := filepath.Glob(filepath.Join("../openapi", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range parameter.FindAllStringSubmatch(string(text), -1) {
				names = append(names, found[1]+found[2])
			}
		}
	}
	if len(names) < 9 {
		t.Fatalf("found only %q", names)
	}
	for _, name := range names {
		if spelling(arm.ToLower(name)) != name {
			t.Errorf("%s is spelled %s", name, spelling(arm.ToLower(name)))
		}
	}
}

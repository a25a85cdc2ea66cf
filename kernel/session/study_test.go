package session_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// toyQuestions is a session with a toy world of the test's own, its model and the first questions that it was trained on.
func toyQuestions(t *testing.T, n int) (*client.Client, *client.Model, []client.QA) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "world")
	t.Setenv("LXMERT_TOY", dir) // before the session starts
	c := newResident(t).dial("a")
	toyModel(t, c, dir)
	m, err := c.Open(t.Context(), client.Spec{Weights: "toy"})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := m.Questions(t.Context(), "train", n)
	if err != nil {
		t.Fatal(err)
	}
	return c, m, asked
}

// TestStudiesOfAModel run in the session: what each finds comes back as what it is, and says how it goes on the way.
func TestStudiesOfAModel(t *testing.T) {
	c, m, asked := toyQuestions(t, 120)
	var questions []client.Question
	for _, q := range asked {
		questions = append(questions, q.Question)
	}
	for study, kind := range map[string]string{"probe": "collection", "cka": "matrix", "fusion": "curve", "coreference": "table", "pca": "collection", "align": "collection", "lens": "collection", "erase": "collection"} {
		told, most := 0, int64(0)
		before := memoryOf(t, c)
		settings := client.StudySettings{Random: true, Seed: 4, Data: "some questions", About: &questions[0]}
		if study == "erase" {
			settings.Tasks = []string{"attribute"}
		}
		raw, err := m.Study(t.Context(), study, questions, settings, func(string, int, int) {
			told++
			most = max(most, memoryOf(t, c))
		})
		if err != nil {
			t.Errorf("%s: %v", study, err)
			continue
		}
		var found analysis.Collection
		if err := json.Unmarshal(raw, &found); err != nil || len(found.Results) != 1 || analysis.KindOf(found.Results[0]) != kind {
			t.Errorf("%s: %.80s, error %v", study, raw, err)
			continue
		}
		if meta := found.Results[0].About(); found.Check() != nil || meta.Model.Hash == "" || meta.Features == "" || meta.N == 0 || told == 0 {
			t.Errorf("%s, told %d times: %+v, %v", study, told, meta, found.Check())
		}
		// Only probes are compared with random weights, as long as they run.
		if want := map[bool]int64{true: m.Info().Bytes}[study == "probe"]; most-before != want || memoryOf(t, c) != before {
			t.Errorf("%s took %d bytes of models and left %d, expected %d and none", study, most-before, memoryOf(t, c)-before, want)
		}
		all, _ := found.Results[0].(analysis.Collection)
		curve, _ := analysis.First[analysis.Curve](all)
		switch study {
		case "probe":
			if last := curve.Series[len(curve.Series)-1]; last.Name != "random weights" {
				t.Errorf("the last line of a probe is %s", last.Name)
			}
		case "lens":
			if notes := strings.Join(curve.Notes, " "); len(curve.Series) != 2 || !strings.Contains(notes, "fitted on some questions") || !strings.HasPrefix(curve.Target, "answer ") {
				t.Errorf("the lens has %d lines, is of %q and says %q", len(curve.Series), curve.Target, notes)
			}
		}
	}
	raw, err := m.Study(t.Context(), "probe", questions, client.StudySettings{Random: true, Tasks: []string{"matched"}}, nil)
	var foils analysis.Collection
	if err == nil {
		err = json.Unmarshal(raw, &foils)
	}
	if err != nil || len(foils.Results) != 1 || foils.Results[0].Check() != nil {
		t.Errorf("sentences with foils: %v", err)
	} else if curve, ok := analysis.First[analysis.Curve](foils.Results[0].(analysis.Collection)); !ok || curve.Params["classes"] != "2" || len(curve.X) == 0 {
		t.Errorf("sentences with foils: %+v", curve.Meta)
	}
	for part, call := range map[string]struct {
		study     string
		questions []client.Question
		settings  client.StudySettings
	}{
		`no study "colour"; there are ablation, align`: {"colour", questions, client.StudySettings{}},
		"needs questions":               {"cka", nil, client.StudySettings{}},
		`no probing task "shape"`:       {"probe", questions, client.StudySettings{Tasks: []string{"shape"}}},
		"at least 4 of them":            {"cka", questions[:1], client.StudySettings{}},
		"one concept":                   {"erase", questions, client.StudySettings{}},
		"guesses neither words":         {"ablation", questions, client.StudySettings{}},
		"say which":                     {"lens", questions, client.StudySettings{}},
		`"colour" is neither an answer`: {"lens", questions, client.StudySettings{About: &questions[0], Target: "colour"}},
		`no such image: "nowhere"`:      {"fusion", []client.Question{{Text: "what is it?", Images: []string{"nowhere"}}}, client.StudySettings{}},
	} {
		if _, err := m.Study(t.Context(), call.study, call.questions, call.settings, nil); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, it should say %q", err, part)
		}
	}
	if _, err := m.Study(t.Context(), "colour", questions, client.StudySettings{}, nil); !errors.Is(err, client.ErrUsage) {
		t.Errorf("an unknown study: %v", err)
	}
}

// memoryOf is what models and values take in a session, in bytes.
func memoryOf(t *testing.T, c *client.Client) int64 {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Memory
}

// TestTwoModelsAreCompared, here a model with itself, with names and right answers.
func TestTwoModelsAreCompared(t *testing.T) {
	_, m, asked := toyQuestions(t, 40)
	var questions []client.Question
	spec := m.Info().Spec
	settings := client.StudySettings{With: &spec, Names: []string{"one", "two"}}
	for _, q := range asked {
		questions, settings.Right = append(questions, q.Question), append(settings.Right, q.Labels)
	}
	raw, err := m.Study(t.Context(), "compare", questions, settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	var found analysis.Collection
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatal(err)
	}
	all := found.Results[0].(analysis.Collection)
	summary, _ := analysis.First[analysis.Table](all)
	pair, ok := analysis.First[analysis.Collection](all)
	if all.Check() != nil || all.N != len(questions) || summary.Rows[0][1] != 0.0 || summary.Rows[1][0] != "one: right answers" || !ok || len(pair.Results) != 2 {
		t.Errorf("%+v: %v, side by side %d", all.Meta, summary.Rows, len(pair.Results))
	}
	for part, settings := range map[string]client.StudySettings{
		"say which is the second": {},
		"1 names for two models":  {With: &spec, Names: []string{"one"}},
		"right answers of 1":      {With: &spec, Names: settings.Names, Right: settings.Right[:1]},
		"both are called":         {With: &spec, Names: []string{"one", "one"}},
		"no such weights: tried":  {With: &client.Spec{Weights: filepath.Join(t.TempDir(), "nothing")}},
	} {
		if _, err := m.Study(t.Context(), "compare", questions, settings, nil); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v, expected %q", err, part)
		}
	}
}

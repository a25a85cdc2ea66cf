package lx

import (
	"bytes"
	"encoding/gob"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestAnAnswerIsTheModelsRanked(t *testing.T) {
	m := tinyWorld(t)
	about := m.Questions("minival", 1)[0]
	q := Ask(m, about.Text, about.Images...)
	if len(q.Ranked) != len(m.Answers()) || len(q.Ranked) == 0 {
		t.Fatalf("%d answers of %d", len(q.Ranked), len(m.Answers()))
	}
	b, err := m.Batch(t.Context(), []Question{about.Question})
	if err != nil {
		t.Fatal(err)
	}
	trace, err := m.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("out.task")})
	if err != nil {
		t.Fatal(err)
	}
	logits := trace.Values["out.task"].Data
	for i, r := range q.Ranked {
		if want := 1 / (1 + math.Exp(-float64(logits[r.Class]))); math.Abs(r.Probability-want) > 1e-6 || r.Text != m.Answers()[r.Class] {
			t.Errorf("answer %d, class %d, is %q with %.4f, the model says %q with %.4f", i, r.Class, r.Text, r.Probability, m.Answers()[r.Class], want)
		}
		if i > 0 && r.Probability > q.Ranked[i-1].Probability {
			t.Errorf("answer %d is more probable than the one before", i)
		}
	}
	if text := q.String(); !strings.Contains(text, about.Text) || !strings.Contains(text, q.Best().Text) || !strings.Contains(text, about.Images[0]) {
		t.Errorf("as text it is %q", text)
	}
	for name, x := range q.Maps() {
		if x.Shape[0] != m.Config().Heads {
			t.Errorf("map %s has shape %v", name, x.Shape)
		}
	}
	if got, want := len(q.Maps()), len(m.Config().Maps()); got != want {
		t.Errorf("%d maps, the model has %d", got, want)
	}
	one := q.Map("x.1.ti")
	if len(one.Panels) != m.Config().Heads || one.Rows.Labels[0] != "[CLS]" {
		t.Errorf("x.1.ti has %d panels, its rows are %q", len(one.Panels), one.Rows.Labels)
	}
	for _, row := range one.Panels[0].Values {
		if sum := analysis.Mean(row) * float64(len(row)); math.Abs(sum-1) > 1e-4 {
			t.Errorf("a row of x.1.ti sums to %g", sum)
		}
	}
	for what, x := range map[string]any{"an answer": q, "a map": one, "all maps": AllMaps(q)} {
		if s, err := shownOf(x); err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || s.text == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestManyQuestionsAreAnsweredAsEachAlone(t *testing.T) {
	m := tinyWorld(t)
	var many []Question
	for _, q := range m.Questions("train", 70) { // more than go together
		many = append(many, q.Question)
	}
	answers := AskAll(m, many...)
	if len(answers) != 70 {
		t.Fatalf("%d answers", len(answers))
	}
	for _, i := range []int{0, 1, 63, 64, 69} {
		alone := Ask(m, many[i].Text, many[i].Images...)
		if a := answers[i]; a.Question.Text != many[i].Text || a.Best().Class != alone.Best().Class || math.Abs(a.Best().Probability-alone.Best().Probability) > 1e-5 ||
			a.Batch.Rows() != 1 || a.Batch.Words[0].Text != many[i].Text {
			t.Errorf("question %d is answered %+v, alone %+v", i, a.Best(), alone.Best())
		}
	}
}

func TestQuestionsHaveTheirLabels(t *testing.T) {
	m := tinyWorld(t)
	few, all := m.Questions("minival", 3), m.Questions("minival", 0)
	if len(few) != 3 || len(all) <= 3 {
		t.Errorf("%d and %d questions", len(few), len(all))
	}
	q := few[0]
	if q.ID == "" || q.Kind == "" || len(q.Labels) == 0 || len(q.Images) != 1 || !strings.HasPrefix(q.Images[0], "COCO_val2014_") {
		t.Errorf("%+v", q)
	}
	if text := failing(t, func() { m.Questions("nowhere", 1) }); !strings.Contains(text, filepath.Join("data", "vqa", "nowhere.json")) {
		t.Errorf("a split that is not there: %q", text)
	}
	path := filepath.Join(t.TempDir(), "mine.json")
	write(t, path, `[{"img_id": "a", "sent": "is it?"}, {"img_id": "b"}]`)
	if own := m.Questions(path, 1); len(own) != 1 || own[0].Text != "is it?" || own[0].ID != "" || own[0].Labels != nil {
		t.Errorf("a question of one's own is %+v", own)
	}
	if text := failing(t, func() { m.Questions(path, 0) }); !strings.Contains(text, path) || !strings.Contains(text, "there is no sent") {
		t.Errorf("a question without a sentence: %q", text)
	}
}

func TestTwoPicturesAreAskedAboutAndExplained(t *testing.T) {
	r := Follow(train(t, "nlvr2", "--train train --valid valid --epochs 2"))
	m := Open(r.Output)
	questions := m.Questions("valid", 4)
	if len(questions) != 4 {
		t.Fatalf("%d questions", len(questions))
	}
	for _, q := range questions {
		if len(q.Images) != 2 || q.Images[0] == q.Images[1] || q.ID == "" || len(q.Labels) != 1 || q.Labels["True"]+q.Labels["False"] != 1 {
			t.Errorf("%+v", q)
		}
	}
	for i, a := range AskAll(m, asked(questions)...) {
		if len(a.Ranked) != 2 || math.Abs(a.Ranked[0].Probability+a.Ranked[1].Probability-1) > 1e-6 || a.Batch.Rows() != 2 {
			t.Errorf("question %d is answered %+v", i, a.Ranked)
		}
	}
	q := Ask(m, questions[0].Text, questions[0].Images...)
	both := ExplainPictures(q, "relevance", "attention")
	if len(both) != 2 || both[0].Scores.Image.ID != questions[0].Images[0] || both[1].Scores.Image.ID != questions[0].Images[1] {
		t.Fatalf("explained are %d pictures", len(both))
	}
	if slices.Equal(both[0].Scores.Regions, both[1].Scores.Regions) || slices.Equal(both[0].Maps["x.0.ti"].Data, both[1].Maps["x.0.ti"].Data) {
		t.Error("both pictures are explained alike")
	}
	if s, err := shownOf(both); err != nil || !strings.Contains(s.html, questions[0].Images[1]) || len(s.png) == 0 {
		t.Errorf("shown, they lack the right picture, %v", err)
	}
	left := Explain(q)
	if !slices.Equal(left.Scores.Regions, both[0].Scores.Regions) || !strings.Contains(strings.Join(left.Scores.Notes, " "), "lx.ExplainPictures") {
		t.Errorf("of two pictures one is explained, with the notes %q", left.Scores.Notes)
	}
	if s, err := shownOf(left); err != nil || !strings.Contains(s.html, "lx.ExplainPictures") {
		t.Errorf("shown, it does not say so, %v", err)
	}
}

func TestAnExplanationHasEveryMethod(t *testing.T) {
	m := tinyWorld(t)
	about := m.Questions("minival", 1)[0]
	q := Ask(m, about.Text, about.Images...)
	var names []string
	for _, row := range Methods().Rows {
		names = append(names, row[0].(string))
	}
	x := Explain(q, names...)
	if len(x.Methods)+1 != len(names) || len(names) < 5 {
		t.Fatalf("%d methods of %d", len(x.Methods)+1, len(names))
	}
	for i, s := range append([]analysis.Scores{x.Scores}, x.Methods...) {
		if len(s.Words) != len(q.Batch.IDs[0]) || len(s.Regions) != q.Batch.V() || s.Answer != q.Best().Text {
			t.Errorf("%s has %d words and %d regions, and explains %q", names[i], len(s.Words), len(s.Regions), s.Answer)
		}
	}
	if len(x.Scores.Notes) > 0 || len(x.Maps) != len(m.Config().Maps()) || x.Answers[0].Text != q.Best().Text {
		t.Errorf("notes %q, %d maps, answers %+v", x.Scores.Notes, len(x.Maps), x.Answers)
	}
	if s, err := shownOf(x); err != nil || !strings.Contains(s.html, "<script") || len(s.png) == 0 {
		t.Errorf("shown it is not an interactive page, %v", err)
	}
	dir := t.TempDir()
	for _, name := range []string{"x.html", "x.png", "x.json"} {
		Save(filepath.Join(dir, "new", name), x)
		if info, err := os.Stat(filepath.Join(dir, "new", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	table := Agreement(x)
	if want := len(names) * (len(names) - 1); len(table.Rows) != want {
		t.Errorf("%d methods agree in %d rows, want %d", len(names), len(table.Rows), want)
	}
	if text := failing(t, func() { Explain(q, "tea-leaves") }); !strings.Contains(text, `no method "tea-leaves"; there are relevance`) {
		t.Errorf("a method that is not there: %q", text)
	}
	if text := failing(t, func() { Agreement(Explain(q)) }); !strings.Contains(text, "two methods or more") {
		t.Errorf("agreement of one method: %q", text)
	}
	if text := failing(t, func() {
		Agreement([]Explanation{Explain(q, "relevance", "attention"), Explain(q, "attention", "relevance")})
	}); !strings.Contains(text, "by different methods") {
		t.Errorf("agreement of different methods: %q", text)
	}
}

func TestATestComparesMethods(t *testing.T) {
	m := tinyWorld(t)
	tested := Test(m, m.Questions("minival", 6), "image", "relevance", "attention")
	if len(tested.Scores) != 2 || len(tested.Scores[1]) != 6 || len(tested.Curves) != 1 || len(tested.Table.Rows) < 5 {
		t.Fatalf("%d methods, %d curves, %d rows", len(tested.Scores), len(tested.Curves), len(tested.Table.Rows))
	}
	table := Agreement(tested)
	if len(table.Rows) != 2 || table.Rows[0][0] != "relevance" || table.Rows[0][1] != "attention" || table.Rows[0][6] != 6 {
		t.Errorf("they agree as %v", table.Rows)
	}
	for what, x := range map[string]any{"the test": tested, "the agreement": table} {
		if s, err := shownOf(x); err != nil || len(s.png) == 0 || s.html == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	var again Tested
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(tested); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&b).Decode(&again); err != nil || len(Agreement(again).Rows) != 2 {
		t.Errorf("kept and found again: %v", err)
	}
	if _, err := shownOf(Tested{}); err == nil {
		t.Error("an empty test is shown as nothing, without a word")
	}
	if text := failing(t, func() { Test(m, nil, "image", "relevance") }); !strings.Contains(text, "lx: Test needs questions") {
		t.Errorf("a test without questions: %q", text)
	}
}

func TestHeadStatisticsAreMeansOverQuestions(t *testing.T) {
	m := tinyWorld(t)
	questions := m.Questions("train", mapsTogether+5) // more than are held at once
	for _, statistic := range attention.StatisticNames {
		got := HeadStatistic(m, questions, statistic)
		b, err := m.Batch(t.Context(), asked(questions))
		if err != nil {
			t.Fatal(err)
		}
		maps, err := attention.Read(t.Context(), m, b)
		if err != nil {
			t.Fatal(err)
		}
		want, err := maps.Grid(statistic)
		if err != nil {
			t.Fatal(err)
		}
		if got.N != len(questions) || !slices.Equal(got.Cols.Labels, want.Cols.Labels) || got.Unit != want.Unit {
			t.Errorf("%s: of %d questions, columns %q", statistic, got.N, got.Cols.Labels)
		}
		for h, row := range want.Panels[0].Values {
			for j, x := range row {
				if y := got.Panels[0].Values[h][j]; math.IsNaN(x) != math.IsNaN(y) || math.Abs(x-y) > 1e-5*math.Max(1, math.Abs(x)) {
					t.Errorf("%s of head %d of %s is %g, want %g", statistic, h, want.Cols.Labels[j], y, x)
				}
			}
		}
		if s, err := shownOf(got); err != nil || len(s.png) == 0 {
			t.Errorf("%s is not shown: %v", statistic, err)
		}
	}
	if text := failing(t, func() { HeadStatistic(m, questions, "charm") }); !strings.Contains(text, `no statistic "charm"; there are entropy`) {
		t.Errorf("a statistic that is not there: %q", text)
	}
	if text := failing(t, func() { HeadStatistic(m, nil, "gini") }); !strings.Contains(text, "needs questions") {
		t.Errorf("of nothing: %q", text)
	}
}

func TestAModelIsKeptAsAHandle(t *testing.T) {
	m := tinyWorld(t)
	calls := 0
	open := func() *Model { calls++; return m }
	first, err := keep(t.Context(), cell(), "a model", "a", open)
	if err != nil {
		t.Fatal(err)
	}
	again, err := keep(t.Context(), cell(), "a model", "a", open)
	if err != nil || calls != 1 {
		t.Fatalf("it is opened %d times, %v", calls, err)
	}
	q := m.Questions("minival", 1)[0]
	if a, b := Ask(first, q.Text, q.Images...).Best(), Ask(again, q.Text, q.Images...).Best(); a != b {
		t.Errorf("it answers %+v, then %+v", a, b)
	}
	Forget("a model")
	if _, err := keep(t.Context(), cell(), "a model", "a", open); err != nil || calls != 2 {
		t.Errorf("forgotten, it is opened %d times, %v", calls, err)
	}
	type pair struct {
		Name   string
		Models []*Model
	}
	for range 2 {
		p, err := keep(t.Context(), cell(), "a pair", "a", func() pair { calls++; return pair{"both", []*Model{m}} })
		if err != nil || calls != 3 || p.Name != "both" || p.Models[0].Info().Spec.Weights != m.Info().Spec.Weights {
			t.Errorf("in a struct: opened %d times, %+v, %v", calls, p, err)
		}
	}
	kept := Runs()
	if found, err := keep(t.Context(), cell(), "runs", "a", func() []Run { return kept }); err != nil || len(found) != len(kept) {
		t.Errorf("%d runs, %v", len(found), err)
	}
	if found, err := keep(t.Context(), cell(), "runs", "a", func() []Run { t.Error("computed anew"); return nil }); err != nil || len(found) != len(kept) || found[0].ID != kept[0].ID {
		t.Errorf("%d runs, %v", len(found), err)
	}
}

func TestAQuestionThatCannotBeAskedIsSaidInALine(t *testing.T) {
	m := tinyWorld(t)
	for name, c := range map[string]struct {
		cell func()
		want string
	}{
		"no such picture": {func() { Ask(m, "what is it?", "COCO_val2014_000000000000") }, "COCO_val2014_000000000000"},
		"two pictures":    {func() { Ask(m, "what is it?", "a", "b") }, "answers about one picture"},
		"no words":        {func() { Ask(m, "", m.Questions("minival", 1)[0].Images...) }, "a question is empty"},
	} {
		text := failing(t, c.cell)
		if !strings.HasPrefix(text, "lx: ") || !strings.Contains(text, c.want) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: %q", name, text)
		}
	}
}

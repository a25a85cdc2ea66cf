package sweep

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// jointTable are four answers of which one is used in both sets, one in neither.
func jointTable(t *testing.T) (table *answerTable, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "all_ans.json")
	text := `[{"ans": "2", "dsets": ["vqa"]}, {"ans": "red", "dsets": ["vqa", "gqa"]}, {"ans": "man", "dsets": ["gqa"]}, {"ans": "odd", "dsets": []}]`
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	table, err := newAnswerTable(path)
	if err != nil {
		t.Fatal(err)
	}
	return table, path
}

// TestTheAnswerHeadAgainstItsTable, by hand. Five questions: right are "2" (1) or "red" (0.3), "red" (0.6), an answer that the table
// has not, "odd" (1), and "red" and "man" alike (0.9), of which "red" is the first. The head's answers are worth 0.3, 0.6, 0, 0 and 0.9.
//
//	oracle: 1, 0.6, 0, 1, 0.9: mean 0.7; covered: 4 of 5; accuracy: 1.8 / 5 = 0.36
//	vqa: questions 1, 2 and 5: accuracy 1.8 / 3 = 0.6, best possible 2.5 / 3
//	gqa: questions 2 and 5: accuracy 1.5 / 2 = 0.75, best possible 0.75
func TestTheAnswerHeadAgainstItsTable(t *testing.T) {
	table, _ := jointTable(t)
	labels := [][]float64{{1, 0.3, 0, 0}, {0, 0.6, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0.9, 0.9, 0}}
	right := rounded{0.3, 0.6, 0, 0, 0.9}
	settings := someSettings
	settings.Methods, settings.Examples, settings.Sample = []string{"readout"}, 5, 0
	settings.Config = keptConfig()
	c := newCollector(settings)
	for i := range labels { // batches of one
		l := &line{First: i, Examples: []Example{{ID: fmt.Sprint(i), Regions: []int{3}}}}
		of := append([]numbers{each(answerRead+": "+readRight, "share", right[i:i+1])}, table.numbers(labels[i:i+1], right[i:i+1])...)
		l.Values = []valuesOf{{"readout", of}}
		if err := c.add(l); err != nil {
			t.Fatal(err)
		}
	}
	s := &Summary{}
	c.drawMeasures(s)
	at := slices.IndexFunc(s.Tables, func(x Named[analysis.Table]) bool { return x.Name == "readout-answers" })
	if at < 0 {
		t.Fatalf("there is no such table among %d", len(s.Tables))
	}
	got := s.Tables[at].Result
	want := []struct {
		name                      string
		accuracy, oracle, covered float64
		n                         int
	}{{"all", 0.36, 0.7, 0.8, 5}, {"right answer used in gqa", 0.75, 0.75, math.NaN(), 2}, {"right answer used in vqa", 0.6, 2.5 / 3, math.NaN(), 3}}
	if len(got.Rows) != len(want) || got.Check() != nil {
		t.Fatalf("%v", got.Rows)
	}
	for i, w := range want {
		row := got.Rows[i]
		for k, x := range map[int]float64{1: w.accuracy, 4: w.oracle, 7: w.covered} {
			if y := row[k].(float64); math.Abs(x-y) > 1e-9 && !(math.IsNaN(x) && math.IsNaN(y)) {
				t.Errorf("%s: %s is %v, want %g", w.name, got.Columns[k], y, x)
			}
			if low, high := row[k+1].(float64), row[k+2].(float64); low > row[k].(float64)+1e-9 || high < row[k].(float64)-1e-9 {
				t.Errorf("%s: %s %v is not in [%v, %v]", w.name, got.Columns[k], row[k], low, high)
			}
		}
		if row[0] != w.name || row[10] != w.n {
			t.Errorf("%v", row)
		}
	}
}

// TestWhereNothingIsKnownToBeRightThereIsNoNumber, and names and their order are those of other batches.
func TestWhereNothingIsKnownToBeRightThereIsNoNumber(t *testing.T) {
	table, _ := jointTable(t)
	known, unknown := table.numbers([][]float64{{1, 0, 0, 0}}, rounded{1}), table.numbers(nil, rounded{math.NaN()})
	if len(known) != len(unknown) || len(known) != 6 {
		t.Fatalf("%d and %d numbers", len(known), len(unknown))
	}
	for i, n := range unknown {
		if n.Name != known[i].Name || !math.IsNaN(n.Values[0]) {
			t.Errorf("%+v", n)
		}
	}
	plain, err := newAnswerTable("")
	if err != nil || len(plain.numbers([][]float64{{1}}, rounded{1})) != 2 {
		t.Errorf("a table without data sets: %v", err)
	}
}

// TestRightAnswersAreWrittenAsTheJointTableHasThem: the file says "Two", "a man" and "2"; what becomes equal to another takes its place.
func TestRightAnswersAreWrittenAsTheJointTableHasThem(t *testing.T) {
	_, path := jointTable(t)
	golden := goldentest.Folders(t, "model")[0]
	cfg := lxmert.LXR955()
	cfg.Answers = 4
	asker, err := question.Open(cfg, question.Options{Answers: path, Vocab: filepath.Join(golden, "tokenizer")})
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	d := &Data{Asker: asker, Set: &dataset.Set{Examples: []dataset.Example{
		{Class: -1, Labels: []dataset.Label{{Answer: "Two", Score: 1}, {Answer: "2", Score: 0.3}, {Answer: "a man", Score: 0.6}, {Answer: "green", Score: 0.9}}},
	}}}
	if got := d.labels([]int{0}, 4); fmt.Sprint(got) != "[[1 0 0.6 0]]" {
		t.Errorf("%v", got)
	}
}

package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func tableOf(t testing.TB, text string, sets ...string) (*QATable, error) {
	path := filepath.Join(t.TempDir(), "all_ans.json")
	writeFile(t, path, text)
	return LoadQATable(path, sets)
}

func TestConvertedAnswersTakeTheScoresOfOthers(t *testing.T) {
	table, err := tableOf(t, `[{"ans": "man", "dsets": []}, {"ans": "2", "dsets": []}, {"ans": "gray"}, {"ans": "a dog"}, {"ans": "dog"}]`)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ in, want []Label }{
		{nil, nil},
		{[]Label{}, []Label{}},
		{[]Label{{"fish", 1}}, []Label{}},
		{[]Label{{"man", 1}, {"2", 0.3}}, []Label{{"man", 1}, {"2", 0.3}}},
		{[]Label{{"a man", 0.6}, {"man", 1}}, []Label{{"man", 0.6}}},
		{[]Label{{"man", 1}, {"fish", 1}, {"a man", 0.6}}, []Label{{"man", 0.6}}},
		{[]Label{{"a man", 0.6}, {"The Man.", 0.3}}, []Label{{"man", 0.3}}},
		{[]Label{{"two", 0.9}, {"man", 1}}, []Label{{"man", 1}, {"2", 0.9}}},
		// One that another becomes is converted itself when its turn comes.
		{[]Label{{"an a dog", 0.3}, {"a dog", 1}, {"x", 1}}, []Label{{"dog", 0.3}}},
		{[]Label{{"man", 1}, {"man", 0.5}}, []Label{{"man", 1}, {"man", 0.5}}},
	}
	for _, c := range cases {
		before := fmt.Sprint(c.in)
		got := table.Labels(c.in)
		if !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%v: %v, want %v", c.in, got, c.want)
		}
		if fmt.Sprint(c.in) != before {
			t.Errorf("%s was changed to %v", before, c.in)
		}
	}
}

func TestConvertLowersAsPythonDoes(t *testing.T) {
	// By Python: str.lower, str.strip.
	for in, want := range map[string]string{
		"ΑΣ.ΑΣ": "ασ.ας", "Σ": "σ", "İSTANBUL": "i̇stanbul", "The \x1cNet\u2003.": "net", "\u200bA net": "\u200ba net", "Ten\u00a0.": "10",
	} {
		if got := Convert(in); got != want {
			t.Errorf("%+q: %+q, want %+q", in, got, want)
		}
	}
}

func TestBadTablesAreRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`[{"ans": "a", "dsets": ["vqa"]}, {"ans": "a"}]`, `answer 2: "a" is listed again, it is already answer 1`},
		{`[{"dsets": []}]`, "there is no ans"},
		{`[{"ans": 1}]`, "ans is a number"},
		{`[{"ans": "a", "dsets": "vqa"}]`, "dsets is a string, must be a list"},
		{`[{"ans": "a"`, "cut short"},
		{`{}`, "must be a list"},
		{`[]`, "there are no answers"},
	} {
		if _, err := tableOf(t, c.text); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
	if _, err := tableOf(t, `[{"ans": "a", "dsets": ["vqa", "gqa"]}]`, "gqa", "okvqa"); err == nil || !strings.Contains(err.Error(), `a data set "okvqa"; it has those of gqa, vqa`) {
		t.Error(err)
	}
	if _, err := LoadQATable(filepath.Join(t.TempDir(), "x.json"), nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "`lxmert fetch weights` brings data/lxmert/all_ans.json") {
		t.Error(err)
	}
}

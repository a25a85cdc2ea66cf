package dataset

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestAnswersAreNormalizedAsPublished compares with what the published preprocessing of VQA v2 made of 363 texts:
// preprocess_answer of tools/compute_softscore.py, github.com/hengyuan-hu/bottom-up-attention-vqa, in Python 3.
func TestAnswersAreNormalizedAsPublished(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "normalized_answers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(text, &want); err != nil || len(want) < 300 {
		t.Fatalf("%d texts, %v", len(want), err)
	}
	for answer, want := range want {
		if got := Normalize(answer); got != want {
			t.Errorf("%q is %q, want %q", answer, got, want)
		}
	}
}

// TestScoresAreTheAccuracyOfVQA: the rule by counts is min(1, n/3), n of the other nine, averaged over leaving out each of ten.
func TestScoresAreTheAccuracyOfVQA(t *testing.T) {
	for n := range 11 {
		sum := 0.0
		for left := range 10 {
			others := n
			if left < n {
				others--
			}
			sum += min(1, float64(others)/3)
		}
		if got, want := softScore(n), sum/10; got-want > 1e-12 || want-got > 1e-12 {
			t.Errorf("%d of ten: %g, want %g", n, got, want)
		}
	}
}

func TestAnnotatorsMakeLabels(t *testing.T) {
	table := NewAnswers(VQA, []string{"", "yes", "no", "man", "2", "The Who"})
	for _, c := range []struct {
		given   []string
		want    []Label
		outside int
	}{
		{[]string{"yes", "yes", "yes", "yes", "yes", "yes", "yes", "no", "no", "maybe"}, []Label{{"no", 0.6}, {"yes", 1}}, 1},
		{[]string{"the man", "man", "Man.", "a boy"}, []Label{{"man", 0.9}}, 1},
		{[]string{"two", "2", "The Who"}, []Label{{"2", 0.6}, {"The Who", 0.3}}, 0}, // as the table has it, before normalizing
		{[]string{"the", "a"}, []Label{{"", 0.6}}, 0},
		{[]string{"no"}, []Label{{"no", 1}}, 0},
		{[]string{"maybe"}, []Label{}, 1},
	} {
		if got, outside := table.labelsOf(c.given); !reflect.DeepEqual(got, c.want) || outside != c.outside {
			t.Errorf("%q: %v, %d outside; want %v, %d", c.given, got, outside, c.want, c.outside)
		}
	}
	if got := mostFrequent([]string{"a", "b", "c", "b", "c"}); got != "b" {
		t.Errorf("the most frequent is %q", got)
	}
}

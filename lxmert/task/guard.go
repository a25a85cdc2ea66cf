package task

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file warns about what users of the reference stumbled over.

// guardRandom refuses a task that needs pre-training, such as NLVR2, from random parameters, where it stays at chance and looks like a bug, unless that is asked
// for.
func guardRandom(t *dataset.Task, o *Options) error {
	if o.Load != "" || o.LoadLXMERT != "" || (o.LoadLXMERTQA != "" && t.Truth.Joint != "") {
		return nil
	}
	if t.NeedsPretraining && !o.FromScratch {
		hint := ""
		if o.LoadLXMERTQA != "" {
			hint = fmt.Sprintf(" (--loadLXMERTQA loads nothing here, since %s has no answers)", t.Title)
		}
		return fmt.Errorf("task: %s learns nothing from random parameters%s: give pre-trained ones with --loadLXMERT snap/pretrained/model, or ask for it with --fromScratch", t.Title, hint)
	}
	if o.Bert == "" && !o.FromScratch {
		fmt.Fprintln(o.Notes, "note: all parameters are drawn at random; --loadLXMERTQA or --loadLXMERT start from pre-training, --bert from BERT")
	}
	return nil
}

// warnChance warns of a score no better than always giving the most frequent answer.
func warnChance(w io.Writer, score, majority float64, o *Options) {
	if score > majority+0.01 {
		return
	}
	cause := fmt.Sprintf("the learning rate %g may be too high, or the features not those of this model (see the command verify)", o.LR)
	if o.Load == "" && o.LoadLXMERT == "" && o.LoadLXMERTQA == "" {
		cause = "nothing pre-trained was loaded"
	}
	fmt.Fprintf(w, "warning: %.2f %% is within a point of always giving the most frequent answer (%.2f %%): %s\n", 100*score, 100*majority, cause)
}

// majority is the score of the one class that scores best over a whole set.
func majority(set *dataset.Set, answers *dataset.Answers) float64 {
	if set.Len() == 0 {
		return 0
	}
	total := map[int]float64{}
	for i := range set.Examples {
		e := &set.Examples[i]
		if answers == nil {
			total[e.Class]++
			continue
		}
		for _, l := range e.Labels {
			if k, ok := answers.Label(l.Answer); ok {
				total[k] += l.Score
			}
		}
	}
	best := 0.0
	for _, x := range total {
		best = max(best, x)
	}
	return best / float64(set.Len())
}

// noteTrained says so when what is judged was trained on.
func noteTrained(w io.Writer, trained, judged []string) {
	var both []string
	for _, s := range judged {
		if slices.Contains(trained, s) {
			both = append(both, s)
		}
	}
	if both != nil {
		fmt.Fprintf(w, "note: the model was trained on %s, so this score says nothing about new questions\n", strings.Join(both, ", "))
	}
}

// trainedOn reads from the run.json beside a snapshot which splits it was trained on; without one nothing is known.
func trainedOn(load string) []string {
	path, err := weights.Resolve(load)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "run.json"))
	if err != nil {
		return nil
	}
	var run struct {
		Settings map[string]string `json:"settings"`
	}
	if json.Unmarshal(text, &run) != nil {
		return nil
	}
	return Splits(run.Settings["train"])
}

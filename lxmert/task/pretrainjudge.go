package task

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file ends the epochs of pre-training: what is printed, validation, and snapshots.

// The files of parameters that pre-training leaves.
const bestSnapshot = "BEST_EVAL_LOSS_LXRT.pth"

// epochSnapshot is the file of an epoch, from 0.
func epochSnapshot(epoch int) string { return fmt.Sprintf("Epoch%02d_LXRT.pth", epoch+1) }

// snapshots are all files of parameters that a run may write into a folder, and those of a longer run that is there: they are
// lost with --overwrite, and must not be taken for this one's.
func snapshots(dir string, epochs int) (names []string) {
	old := epochSnapshots(dir)
	var own []string
	for e := range epochs {
		own = append(own, epochSnapshot(e))
	}
	for _, path := range old {
		if name := filepath.Base(path); !slices.Contains(own, name) {
			names = append(names, name)
		}
	}
	return append(append(names, bestSnapshot), own...)
}

// epochSnapshots are those that a folder has, in the order of their epochs.
func epochSnapshots(dir string) []string {
	paths, err := filepath.Glob(filepath.Join(filesearch.EscapeGlob(dir), "Epoch[0-9]*_LXRT.pth"))
	if err != nil {
		return nil // where patterns have no escapes, the folder's name is a broken one
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return paths
}

// Weights names those that a run of a task left in its folder, without suffix: the best that it has, else the last. Where there
// are none it is the name that the last would have.
func Weights(t *dataset.Task, dir string) string {
	best, last := train.BestFile, filepath.Join(dir, train.LastFile)
	if t.Pretrains {
		best, last = bestSnapshot, filepath.Join(dir, epochSnapshot(0))
		if epochs := epochSnapshots(dir); len(epochs) > 0 {
			last = epochs[len(epochs)-1]
		}
	}
	if path := filepath.Join(dir, best); filesearch.IsFile(path) {
		last = path
	}
	return strings.TrimSuffix(last, ".pth")
}

// validBatch is how many sentences are validated at once, the reference's number. The loss is the mean of such batches; the
// last one, which may have a few sentences only, counts by how many it has, where the reference counts it like the others.
const validBatch = 512

// Tallies of answers: those of all labelled sentences, as the reference counts, and those whose sentence was not swapped.
const (
	allAnswers = "all "
	ownAnswers = "own "
)

// rightAnswers scores the questions of a part that kept their sentence, for the progress.
func (p *pretraining) rightAnswers(part train.Part, outputs []any) (right float64, rows int, err error) {
	err = p.tally(part, outputs, func(name string, sum, n float64) {
		if strings.HasPrefix(name, ownAnswers) {
			right, rows = right+sum, rows+int(n)
		}
	})
	return right, rows, err
}

// tally counts right answers by category.
func (p *pretraining) tally(part train.Part, outputs []any, add func(name string, sum, n float64)) error {
	if !p.opt.Pretraining.QA {
		return nil
	}
	from := part.Origin.(*sample)
	for row, answer := range outputs[2*len(p.losses)].([]int32) {
		i := part.Index[row]
		score, labelled := from.corpus.Score(i, answer)
		if !labelled {
			continue
		}
		add(allAnswers+from.corpus.Category(i), score, 1)
		if from.examples[row].Matched {
			add(ownAnswers+from.corpus.Category(i), score, 1)
		}
	}
	return nil
}

// result is what an epoch over some sentences gave.
type result struct {
	loss    float64
	parts   []float64 // each loss
	tallies map[string]train.Tally
}

// judge ends an epoch as the reference does.
func (p *pretraining) judge(ctx context.Context, t *train.Trainer, e *train.Epoch) (*train.Judgement, error) {
	j := &train.Judgement{Best: e.Best, Line: map[string]any{}}
	n := len(p.losses)
	r := result{e.Loss, e.Parts[:n], e.Tallies}
	if e.Steps > 0 {
		p.warnDead(e.Parts[n:])
	}
	j.Text = fmt.Sprintf("The training loss for Epoch %d is %0.4f\n", e.Number, e.Loss) + p.say(r) + published(p.cfg, e.Number)
	p.put(j.Line, "train", r)
	p.noteOwn("training", r)
	if p.valid != nil {
		v, err := p.validate(ctx, t, e.Number)
		if err != nil {
			return nil, err
		}
		j.Text += fmt.Sprintf("The valid loss is %0.4f\n", v.loss) + p.say(v)
		p.put(j.Line, "valid", v)
		p.noteOwn("validation", v)
		seen, err := p.see(ctx, t.Model())
		if err != nil {
			return nil, err
		}
		j.Text += seen.String()
		seen.put(j.Line)
		if isNumber(v.loss) && (e.Best == 0 || v.loss < e.Best) {
			j.Best = v.loss
			j.Snapshots = append(j.Snapshots, bestSnapshot)
		}
	}
	j.Snapshots = append(j.Snapshots, epochSnapshot(e.Number))
	return j, nil
}

// published is what the authors' log has of an epoch of theirs, for the model that they trained; else "". Of their epochs one
// is known (https://github.com/airsplay/lxmert/issues/22), of training.
func published(c lxmert.Config, epoch int) string {
	if epoch != 11 || body(c) != body(lxmert.LXR955()) {
		return ""
	}
	return "The published losses of Epoch 11 are Mask_LM: 1.1908 Matched: 0.1880 Obj: 0.1911 Attr: 0.1214 Feat: 0.2147 QA: 1.6299 \n" +
		"Published Accu 0.3092, \n"
}

// warnDead says which losses taught nothing in an epoch. A loss whose pull is a millionth of the strongest one's is lost in
// the rounding of their sum.
func (p *pretraining) warnDead(norms []float64) {
	strongest := slices.Max(norms)
	for i, l := range p.losses {
		if norms[i] <= strongest*1e-6 {
			fmt.Fprintf(p.opt.Notes, "warning: the loss %s teaches nothing: its gradient is %.2g, the strongest %.2g; %s\n", l.Name, norms[i], strongest, deadCause[l.Name])
		}
	}
}

// deadCause is what to look for where a loss teaches nothing.
var deadCause = map[string]string{
	"Mask_LM": "no word is masked (--wordMaskRate), or all are known",
	"Matched": "all pairs are told apart; leave --taskMatched out if that is enough",
	"Obj":     "the confidences of objects in the region features are 0 (see the command verify); --visualLosses leaves it out",
	"Attr":    "the confidences of attributes in the region features are 0 (see the command verify); --visualLosses leaves it out",
	"Feat":    "no region is masked (--objMaskRate), or all features are equal (see the command verify)",
	"QA":      "no sentence has an answer of the table data/lxmert/all_ans.json: labelf gives them, --qaSets chooses them",
}

// validate computes the losses of the sentences to validate on, which are masked and swapped anew in every epoch.
func (p *pretraining) validate(ctx context.Context, t *train.Trainer, epoch int) (result, error) {
	r := result{parts: make([]float64, len(p.losses)), tallies: map[string]train.Tally{}}
	n := p.valid.Len()
	for from := 0; from < n; from += validBatch {
		var index []int
		for i := from; i < min(n, from+validBatch); i++ {
			index = append(index, i)
		}
		parts, err := p.step(ctx, p.valid, index, -1-epoch, 1)
		if err != nil {
			return r, err
		}
		loss, outputs, err := t.Evaluate(ctx, parts[0])
		if err != nil {
			return r, err
		}
		share := float64(len(index)) / float64(n)
		r.loss += share * loss
		for i := range p.losses {
			r.parts[i] += share * float64(outputs[i].([]float32)[0])
		}
		err = p.tally(parts[0], outputs, func(name string, sum, n float64) {
			was := r.tallies[name]
			r.tallies[name] = train.Tally{Sum: was.Sum + sum, N: was.N + n}
		})
		if err != nil {
			return r, err
		}
		if p.opt.Predict != nil {
			p.opt.Predict(from+len(index), n)
		}
	}
	return r, nil
}

// say writes losses and accuracy as the reference does, each loss beside its own name.
func (p *pretraining) say(r result) string {
	var b strings.Builder
	b.WriteString("The losses are ")
	for i, l := range p.losses {
		fmt.Fprintf(&b, "%s: %0.4f ", l.Name, r.parts[i])
	}
	b.WriteString("\n")
	b.WriteString(accuracies(r.tallies, allAnswers))
	return b.String()
}

// accuracies are the shares of right answers, over all and in each category, "" where no answer is known.
func accuracies(tallies map[string]train.Tally, kind string) string {
	var all train.Tally
	line := ""
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		if category, ok := strings.CutPrefix(name, kind); ok {
			t := tallies[name]
			all.Sum, all.N = all.Sum+t.Sum, all.N+t.N
			line += fmt.Sprintf("%s Accu %0.4f, ", category, t.Sum/t.N)
		}
	}
	if all.N == 0 {
		return ""
	}
	return fmt.Sprintf("Overall Accu %0.4f, ", all.Sum/all.N) + line + "\n"
}

// noteOwn says how many answers are right where the sentence was the picture's own; the reference counts the others, too.
func (p *pretraining) noteOwn(what string, r result) {
	if own := accuracies(r.tallies, ownAnswers); own != "" && p.opt.Pretraining.Matched {
		fmt.Fprintf(p.opt.Notes, "%s, without swapped sentences: %s", what, own)
	}
}

// isNumber says whether a loss can be compared and written as JSON.
func isNumber(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// putNumber writes a number, as text where JSON has none for it.
func putNumber(line map[string]any, name string, x float64) {
	if line[name] = x; !isNumber(x) {
		line[name] = fmt.Sprint(x)
	}
}

// put fills a line of metrics.jsonl.
func (p *pretraining) put(line map[string]any, set string, r result) {
	putNumber(line, set, r.loss)
	for i, l := range p.losses {
		putNumber(line, set+"."+l.Name, r.parts[i])
	}
	for name, t := range r.tallies {
		if t.N > 0 {
			line[set+".accuracy."+strings.ReplaceAll(name, " ", ".")] = t.Sum / t.N
		}
	}
}

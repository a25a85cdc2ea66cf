package task

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file is where a model's sizes and its parameters' values come from (section 1.5 and 4.7 of the reference's rules):
// they are drawn, or BERT's, then pre-training's, then those of a fine-tuned snapshot, each over the ones before.

// start is a model before its first step.
type start struct {
	cfg    lxmert.Config
	recipe weights.Recipe
	init   *train.Initial
	files  []io.Closer // that init reads from

	ownSaved bool // the parameters of one's own are those that a run left
}

func (s *start) Close() error {
	var err error
	for _, f := range slices.Backward(s.files) {
		err = errors.Join(err, f.Close())
	}
	s.files = nil
	return err
}

// openModel opens weights and keeps them open until the start is closed.
func (s *start) openModel(name, config string) (*weights.Model, error) {
	m, err := weights.OpenModel(name, config)
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, m)
	return m, nil
}

// beginning decides the sizes and gathers the values. classes is the number of the task's answers.
func beginning(t *dataset.Task, o *Options, classes int, table func() (*dataset.QATable, error), answers *dataset.Answers) (_ *start, err error) {
	b := &start{}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	opened, _, err := b.sizes(o, o.LoadLXMERT, o.LoadLXMERTQA, o.Load)
	if err != nil {
		return nil, err
	}
	b.cfg.TaskClasses, b.cfg.TaskImages = classes, t.Pictures()
	if err := b.cfg.Check(); err != nil {
		return nil, err
	}
	if o.InitRange > 0 {
		b.recipe.Range = o.InitRange
	}
	b.init = &train.Initial{Config: b.cfg, Seed: o.Seed, Range: b.recipe.Range}
	fmt.Fprintf(o.Out, "LXRT encoder with %d l_layers, %d x_layers, and %d r_layers.\n", b.cfg.LangLayers, b.cfg.CrossLayers, b.cfg.RegionLayers)
	if o.Bert != "" && !o.FromScratch {
		if err := b.fromBERT(o.Bert, o.Notes); err != nil {
			return nil, err
		}
	}
	if m := opened[o.LoadLXMERT]; o.LoadLXMERT != "" {
		fmt.Fprintf(o.Out, "Load LXMERT pre-trained model from %s\n", o.LoadLXMERT)
		if err := b.fromPretraining(m, o.Out); err != nil {
			return nil, err
		}
	}
	if m := opened[o.LoadLXMERTQA]; o.LoadLXMERTQA != "" && t.Truth.Joint != "" {
		fmt.Fprintf(o.Out, "Load QA pre-trained LXMERT from %s \n", o.LoadLXMERTQA)
		rows, err := table()
		if err != nil {
			return nil, err
		}
		if err := b.fromQA(m, rows, answers, o.Out); err != nil {
			return nil, err
		}
	}
	if m := opened[o.Load]; o.Load != "" {
		if err := hasHead(t, m, classes); err != nil {
			return nil, err
		}
		if err := m.Report(b.cfg).Err(); err != nil {
			return nil, fmt.Errorf("task: %w", err)
		}
		if err := b.take(m, func(string) bool { return true }); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// sizes opens the weights of some names, each where it is not "", and decides the body's sizes and the recipe. from is the last
// of them, nil if there is none.
func (b *start) sizes(o *Options, names ...string) (opened map[string]*weights.Model, from *weights.Model, err error) {
	b.recipe = weights.DefaultRecipe
	if o.Config != "" {
		if b.recipe, err = weights.ReadRecipe(o.Config); err != nil {
			return nil, nil, err
		}
	}
	opened = map[string]*weights.Model{}
	for _, name := range names {
		if name == "" {
			continue
		}
		m, err := b.openModel(name, o.Config)
		if err != nil {
			return nil, nil, err
		}
		if from != nil && body(from.Config) != body(m.Config) {
			return nil, nil, fmt.Errorf("task: %s is %s, %s is %s: they cannot be parts of one model", from.File.Path, weights.Words(body(from.Config)), m.File.Path, weights.Words(body(m.Config)))
		}
		opened[name], from = m, m
		if note := m.HeadsNote(); note != "" {
			fmt.Fprintln(o.Notes, note)
		}
		if o.Config == "" {
			if b.recipe, _, err = weights.RecipeBeside(m.File.Path); err != nil {
				return nil, nil, err
			}
		}
	}
	switch {
	case from != nil:
		b.cfg = body(from.Config)
	case o.Config != "":
		b.cfg = body(b.recipe.Config)
	default:
		b.cfg = body(lxmert.LXR955())
	}
	if err := layers(o, &b.cfg, from); err != nil {
		return nil, nil, err
	}
	return opened, from, nil
}

// body is a configuration without heads.
func body(c lxmert.Config) lxmert.Config {
	c.LM, c.Match, c.FeatHead = false, false, false
	c.Objects, c.Attributes, c.Answers, c.TaskClasses, c.TaskImages = 0, 0, 0, 0, 0
	return c
}

// hasHead says whether a fine-tuned snapshot has the task's head, with as many answers.
func hasHead(t *dataset.Task, m *weights.Model, classes int) error {
	if c := m.Config; c.TaskClasses != classes || c.TaskImages != t.Pictures() {
		return fmt.Errorf("task: %s has a head for %d answers about %d images, %s needs %d and %d", m.File.Path, c.TaskClasses, c.TaskImages, t, classes, t.Pictures())
	}
	return nil
}

// layers applies --llayers, --xlayers and --rlayers. Weights, nil if there are none, have their own numbers of layers,
// which must be these.
func layers(o *Options, c *lxmert.Config, from *weights.Model) error {
	for _, l := range []struct {
		flag string
		want int
		have *int
	}{{"llayers", o.LangLayers, &c.LangLayers}, {"xlayers", o.CrossLayers, &c.CrossLayers}, {"rlayers", o.RegionLayers, &c.RegionLayers}} {
		if l.want < 0 || l.want == *l.have {
			continue
		}
		if from != nil {
			return fmt.Errorf("task: --%s is %d, but %s has %d; leave the flag out, or load other weights", l.flag, l.want, from.File.Path, *l.have)
		}
		*l.have = l.want
	}
	return nil
}

// take gives the parameters of a file that are wanted their values.
func (b *start) take(m *weights.Model, want func(name string) bool) error {
	for _, p := range b.cfg.Params() {
		t, ok := m.Tensor(p.Name)
		if !ok || !want(p.Name) {
			continue
		}
		if err := b.init.Set(p.Name, t); err != nil {
			return fmt.Errorf("%s: %w", m.File.Path, err)
		}
	}
	return nil
}

// closing is a function that is called at the end.
type closing func() error

func (c closing) Close() error { return c() }

func isEncoder(name string) bool { return strings.HasPrefix(name, "bert.") }

// fromPretraining takes the encoder and prints what is on one side only, as the reference does.
func (b *start) fromPretraining(m *weights.Model, out io.Writer) error {
	if err := b.take(m, isEncoder); err != nil {
		return err
	}
	mine, theirs := map[string]bool{}, map[string]bool{}
	for _, p := range b.cfg.Params() {
		if isEncoder(p.Name) {
			mine[p.Name] = true
		}
	}
	for _, name := range m.Names() {
		theirs[name] = true
	}
	if theirs[lxmert.WordEmbeddings] && m.Config.LM {
		theirs[lxmert.TiedDecoder] = true
	}
	list := func(title string, a, b map[string]bool) {
		fmt.Fprintf(out, "\n%s\n", title)
		for _, name := range slices.Sorted(maps.Keys(a)) {
			if !b[name] {
				fmt.Fprintln(out, name)
			}
		}
	}
	list("Weights in loaded but not in model:", theirs, mine)
	list("Weights in model but not in loaded:", mine, theirs)
	fmt.Fprintln(out)
	return nil
}

// fromQA takes the encoder and turns pre-training's answer head into the task's: the two transforms as they are, of the
// last layer the rows of the answers that pre-training had, and zeros for the others.
func (b *start) fromQA(m *weights.Model, table *dataset.QATable, answers *dataset.Answers, out io.Writer) error {
	for _, p := range b.cfg.Params() {
		if isEncoder(p.Name) && !m.Has(p.Name) {
			return fmt.Errorf("task: %s has no %s, which --loadLXMERTQA needs", m.File.Path, p.Name)
		}
	}
	if err := b.take(m, isEncoder); err != nil {
		return err
	}
	const from, to = "answer_head.logit_fc.", "logit_fc."
	for _, part := range []string{"0.weight", "0.bias", "2.weight", "2.bias"} {
		t, ok := m.Tensor(from + part)
		if !ok {
			return fmt.Errorf("task: %s has no answer head (%s%s); load it with --loadLXMERT", m.File.Path, from, part)
		}
		if err := b.init.Set(to+part, t); err != nil {
			return fmt.Errorf("%s: %w", m.File.Path, err)
		}
	}
	last, ok := m.Tensor(from + "3.weight")
	bias, hasBias := m.Tensor(from + "3.bias")
	if !ok || !hasBias {
		return fmt.Errorf("task: %s has no answer head (%s3); load it with --loadLXMERT", m.File.Path, from)
	}
	if last.Shape[0] != table.Len() {
		return fmt.Errorf("task: the answer head of %s has %d answers, the answer table %d: it was pre-trained with another table (--qaSets), whose rows cannot be told; load it with --loadLXMERT", m.File.Path, last.Shape[0], table.Len())
	}
	rows, err := last.Float32s()
	if err != nil {
		return err
	}
	offsets, err := bias.Float32s()
	if err != nil {
		return err
	}
	n, width, loaded := answers.Len(), last.Shape[1], 0
	w, v := make([]float32, n*width), make([]float32, n)
	for i := range n {
		k, ok := table.ID(dataset.Convert(answers.Answer(i)))
		if !ok {
			continue
		}
		copy(w[i*width:(i+1)*width], rows[k*width:(k+1)*width])
		v[i] = offsets[k]
		loaded++
	}
	fmt.Fprintf(out, "Loaded %d answers from LXRTQA pre-training and %d not\n\n", loaded, n-loaded)
	if err := b.init.SetValues(to+"3.weight", w); err != nil {
		return err
	}
	return b.init.SetValues(to+"3.bias", v)
}

// fromBERT takes embeddings, the first language layers and the pooler from BERT's own weights.
func (b *start) fromBERT(name string, notes io.Writer) error {
	path, err := weights.Resolve(name)
	if err != nil {
		return err
	}
	file, remove, err := weights.Unpack(path)
	if err != nil {
		return fmt.Errorf("task: --bert: %w", err)
	}
	b.files = append(b.files, closing(remove))
	f, err := weights.Open(file)
	if err != nil {
		return err
	}
	b.files = append(b.files, f)
	known := map[string]bool{}
	for _, p := range b.cfg.Params() {
		known[p.Name] = true
	}
	taken, left := 0, 0
	for _, n := range f.Names() {
		t, _ := f.Tensor(n)
		c := weights.Canonical(n)
		if !known[c] && c != lxmert.TiedDecoder {
			left++
		}
		if known[c] && (isEncoder(c) || strings.HasPrefix(c, "cls.")) {
			if err := b.init.Set(c, t); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			taken++
		}
	}
	if taken == 0 {
		return fmt.Errorf("task: %s has no parameters of BERT; --bert takes bert-base-uncased as a .tar.gz, a folder, or its pytorch_model.bin or model.safetensors", path)
	}
	fmt.Fprintf(notes, "%d of BERT's parameters taken from %s, %d have no place in this model\n", taken, filepath.Base(path), left)
	return nil
}

package weights

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/shell"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Kind says in words what the file is: a pre-training snapshot, a fine-tuned task, an encoder alone, and in whose names.
func (m *Model) Kind() string {
	c := m.Config
	kind := "encoder only"
	switch {
	case m.onlyBERT():
		kind = "BERT, the language part only"
	case c.TaskClasses > 0 && c.TaskImages == 2:
		kind = fmt.Sprintf("fine-tuned snapshot of NLVR2 (two images, %d classes)", c.TaskClasses)
	case c.TaskClasses > 0:
		kind = fmt.Sprintf("fine-tuned snapshot of VQA or GQA (%d answers)", c.TaskClasses)
	case c.LM || c.Match || c.Objects+c.Attributes > 0 || c.FeatHead:
		kind = "pre-training snapshot"
	case c.Answers > 0:
		kind = fmt.Sprintf("question answering model (%d answers)", c.Answers)
	}
	switch {
	case m.isHuggingFace():
		kind += ", in Hugging Face's names"
	case m.isMMF():
		kind += ", in MMF's names"
	}
	return kind
}

// onlyBERT says whether there is nothing about regions.
func (m *Model) onlyBERT() bool {
	return m.Config.RegionLayers+m.Config.CrossLayers == 0 && !m.Has("bert.encoder.visn_fc.visn_fc.weight")
}

func (m *Model) isHuggingFace() bool {
	t, ok := m.tensors[lxmert.WordEmbeddings]
	return ok && t != m.decoder && !strings.Contains(t.Name, "bert.")
}

// isMMF says whether a head or the encoder has a name that only MMF gives.
func (m *Model) isMMF() bool {
	for _, name := range []string{"logit_fc.3.weight", lxmert.WordEmbeddings} {
		if t, ok := m.tensors[name]; ok && (strings.Contains(t.Name, "classifier.logit_fc.") || strings.Contains(t.Name, "bert.bert.")) {
			return true
		}
	}
	return false
}

// MMFNote is a line for the user if a task was trained in MMF, whose LXMERT has other inputs than the original's, which a
// wrong result would not betray; else "".
func (m *Model) MMFNote() string {
	if !m.isMMF() || m.Config.TaskClasses == 0 {
		return ""
	}
	return fmt.Sprintf("%s: trained in MMF, which gives its LXMERT other inputs (the words' mask and segments exchanged, in some versions all boxes zero): "+
		"its answers differ here; fine-tune it again with --loadLXMERT for what the original would learn", m.File.Path)
}

// Words describes a model's sizes on one line.
func Words(c lxmert.Config) string {
	var heads []string
	add := func(have bool, text string) {
		if have {
			heads = append(heads, text)
		}
	}
	add(c.LM, "masked words")
	add(c.Match, "matching")
	add(c.Objects > 0, fmt.Sprintf("%d objects", c.Objects))
	add(c.Attributes > 0, fmt.Sprintf("%d attributes", c.Attributes))
	add(c.FeatHead, "features")
	add(c.Answers > 0, fmt.Sprintf("%d answers", c.Answers))
	add(c.TaskClasses > 0, fmt.Sprintf("%d task classes", c.TaskClasses))
	if len(heads) == 0 {
		heads = []string{"none"}
	}
	return fmt.Sprintf("%d language, %d object-relationship, %d cross-modality layers, hidden %d, %d heads, feed-forward %d, %s; "+
		"%d word pieces, %d positions, %d features and %d numbers of a box per region; prediction heads: %s",
		c.LangLayers, c.RegionLayers, c.CrossLayers, c.Hidden, c.Heads, c.Intermediate, c.Activation,
		c.Vocab, c.MaxPositions, c.FeatDim, c.BoxDim, strings.Join(heads, ", "))
}

// LoadCommand is a command line that uses the file: asks it, looks inside, or trains from BERT. It is "" if none can, because parameters of the model are missing.
func (m *Model) LoadCommand() string {
	c := m.Config
	report := m.Report(c)
	if report.missing() != nil && !m.onlyBERT() {
		return ""
	}
	path := m.File.Path
	for _, suffix := range []string{"_LXRT.pth", ".pth"} {
		if short, ok := strings.CutSuffix(path, suffix); ok {
			if found, err := Resolve(short); err == nil && found == path {
				path = short
			}
			break
		}
	}
	path = shell.Word(path)
	if m.config != "" {
		path += " --config " + shell.Word(m.config)
	}
	if m.onlyBERT() {
		return "lxmert vqa --train train,nominival --valid minival --bert " + path
	}
	if len(report.Unused) > 0 {
		path += " --allow-unused"
	}
	switch {
	case c.TaskClasses > 0 && c.TaskImages == 2:
		return "lxmert ask --load " + path + " --regions FEATURES --image LEFT --image RIGHT \"sentence\""
	case c.TaskClasses > 0 || c.Answers > 0:
		return "lxmert ask --load " + path + " --regions FEATURES --image ID \"question\""
	}
	return "lxmert trace --load " + path + " --inputs BATCH.safetensors --want '*' --out TRACE.safetensors"
}

// Overflow counts the finite values of the model's parameters that a type cannot hold, which converting to it makes infinite,
// and names the parameters that they are in.
func (m *Model) Overflow(dtype DType) (count int, names []string, err error) {
	for _, p := range m.Config.Params() {
		t, ok := m.Tensor(p.Name)
		if !ok || !t.DType.IsFloat() || dtype == "" || dtype == t.DType {
			continue
		}
		b, err := t.Bytes()
		if err != nil {
			return 0, nil, err
		}
		before, item := count, t.DType.Size()
		back := make([]float64, chunk)
		err = inChunks(len(b)/item, func(from, to int, wide []float64, out []byte) error {
			widen(wide, b[from*item:to*item], t.DType)
			widen(back[:to-from], narrow(out, wide, dtype), dtype)
			for i, v := range wide {
				if math.IsInf(back[i], 0) && !math.IsInf(v, 0) {
					count++
				}
			}
			return nil
		})
		if err != nil {
			return 0, nil, err
		}
		if count > before {
			names = append(names, p.Name)
		}
	}
	return count, names, nil
}

// Items lists the model's parameters to be written, in the order and names of the reference: those of a fine-tuned
// snapshot if the model has a task's head, else those of pre-training, where the tied decoder has a name of its own.
// dtype converts floating-point values; "" keeps each type. A parameter that the file lacks is an error.
func (m *Model) Items(dtype DType) ([]Item, error) {
	if err := m.Report(m.Config).missing(); err != nil {
		return nil, err
	}
	name := snapshotNames(m.Config)
	var items []Item
	for _, p := range m.Config.Params() {
		t, _ := m.Tensor(p.Name)
		items = append(items, FromTensor(name(p.Name), t, dtype))
	}
	if m.Config.LM {
		items = append(items, TiedDecoder(items[0]))
	}
	return items, nil
}

// snapshotNames gives parameters the names that the reference's snapshots of such models have.
func snapshotNames(c lxmert.Config) func(canonical string) string {
	if c.TaskClasses > 0 {
		return TaskName
	}
	return func(canonical string) string { return canonical }
}

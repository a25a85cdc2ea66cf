package lxrt

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// transformersForward opens folders with Hugging Face's classes, prints which names did not fit, and saves all activations
// that its implementation shows, by their names here. Its levels begin after the first layer.
const transformersForward = `
import json, sys, torch, transformers
from safetensors.torch import load_file, save_file
transformers.logging.set_verbosity_error()
given = {k.split(".")[-1]: v for k, v in load_file(sys.argv[1]).items() if k.startswith("input.")}
batch = dict(input_ids=given["input_ids"].long(), token_type_ids=given["segment_ids"].long(), attention_mask=given["input_mask"].float(),
             visual_feats=given["feats"], visual_pos=given["boxes"], output_attentions=True, output_hidden_states=True)
odd = {}
for folder, name in json.loads(sys.argv[2]):
    m, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    odd[folder] = sum((info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), [])
    m.eval()
    with torch.no_grad():
        out = m(**batch)
        values = {"hid.t.%d" % (k + 1): v for k, v in enumerate(out.language_hidden_states)}
        values |= {"hid.i.%d" % (k + 1): v for k, v in enumerate(out.vision_hidden_states)}
        values |= {"l.%d.tt" % k: v for k, v in enumerate(out.language_attentions)}
        values |= {"r.%d.ii" % k: v for k, v in enumerate(out.vision_attentions)}
        values |= {"x.%d.ti" % k: v for k, v in enumerate(out.cross_encoder_attentions)}
        for theirs, ours in ("pooled_output", "pooled"), ("prediction_logits", "mlm"), ("cross_relationship_score", "match"), ("question_answering_score", "ANSWERS"):
            if out.get(theirs) is not None:
                values["out." + ours] = out[theirs]
        if hasattr(m, "obj_predict_head"):
            values |= {"out." + k: v for k, v in m.obj_predict_head(out.vision_hidden_states[-1]).items()}
    save_file({k: v.contiguous() for k, v in values.items()}, folder + "/out.safetensors")
print(json.dumps(odd))
`

// TestTransformersComputesTheSame converts models to Hugging Face's form, where its own code finds no name missing or left
// over and computes the same maps, levels and heads: all heads, a fine-tuned one, the encoder alone, every activation.
func TestTransformersComputesTheSame(t *testing.T) {
	python := goldentest.Transformers(t)
	b := backendtest.Open(t, "go")
	eachModel(t, func(t *testing.T, folder string) {
		inputs := filepath.Join(folder, "tiny", "forward.safetensors")
		pretrained := filepath.Join(folder, "tiny", "weights.safetensors")
		cases := []transformersCase{
			{name: "pre-training", load: pretrained, class: "LxmertForPreTraining"},
			{name: "relu", load: pretrained, activation: "relu", class: "LxmertForPreTraining"},
			{name: "swish", load: pretrained, activation: "swish", class: "LxmertForPreTraining"},
			{name: "fine-tuned", load: filepath.Join(folder, "checkpoints", "vqa_toy_LAST.pth"), class: "LxmertForQuestionAnswering"},
			{name: "encoder", load: encoderAlone(t, pretrained), config: filepath.Join(folder, "config.json"), class: "LxmertModel"},
		}
		var opened [][2]string
		for i := range cases {
			cases[i].convert(t)
			opened = append(opened, [2]string{cases[i].folder, cases[i].class})
		}
		list, err := json.Marshal(opened)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, "-W", "ignore", "-c", transformersForward, inputs, string(list))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		var odd map[string][]string
		if err := json.Unmarshal(out, &odd); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if names, ok := odd[c.folder]; !ok || len(names) > 0 {
					t.Errorf("missing, left over or of another shape: %v", names)
				}
				c.compare(t, b, inputs)
			})
		}
	})
}

// transformersCase is one model that both implementations compute.
type transformersCase struct {
	name, load, config, activation, class string

	folder string // Hugging Face's form of it
}

// convert writes the folder.
func (c *transformersCase) convert(t *testing.T) {
	if c.activation != "" {
		c.config = filepath.Join(t.TempDir(), "config.json")
		m := openWeights(t, c.load, "")
		text, err := json.Marshal(map[string]any{"hidden_size": m.Config.Hidden, "num_attention_heads": m.Config.Heads, "hidden_act": c.activation})
		if err == nil {
			err = os.WriteFile(c.config, text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c.folder = filepath.Join(t.TempDir(), "hf")
	class, err := weights.SaveHuggingFace(c.folder, openWeights(t, c.load, c.config), "")
	if err != nil || class != c.class {
		t.Fatalf("%s: class %s (%v), expected %s", c.name, class, err, c.class)
	}
}

// compare runs the model that was converted, not the conversion.
func (c *transformersCase) compare(t *testing.T, b *backend.Backend, inputs string) {
	m, err := Open(b, c.load, c.config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	trace := run(t, m, readBatch(t, inputs), lxmert.Request{Want: lxmert.All("*")})
	theirs := goldentest.Open(t, filepath.Join(c.folder, "out.safetensors"))
	seen := map[string]bool{}
	for _, name := range theirs.Names() {
		ours := name
		if name == "out.ANSWERS" {
			if ours = "out.qa"; c.name == "fine-tuned" {
				ours = "out.task"
			}
		}
		x, ok := trace.Values[ours]
		if !ok {
			t.Errorf("there is no %s here", ours)
		}
		theirs.Compare(name, x.Data, hfTolerance)
		seen[ours] = true
	}
	for _, a := range m.Config().Names() {
		if strings.HasPrefix(a.Name, "out.") && !seen[a.Name] && !(a.Name == "out.pooled" && c.class != "LxmertModel") {
			t.Errorf("transformers did not compute %s", a.Name)
		}
	}
	cfg := m.Config()
	if least := 2*cfg.LangLayers + 2*cfg.RegionLayers + 3*cfg.CrossLayers; len(seen) < least {
		t.Errorf("%d activations were compared, fewer than its %d maps and levels", len(seen), least)
	}
}

func openWeights(t *testing.T, name, config string) *weights.Model {
	t.Helper()
	m, err := weights.OpenModel(name, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// encoderAlone writes the parameters of the encoder to a file of their own.
func encoderAlone(t *testing.T, path string) string {
	t.Helper()
	m := openWeights(t, path, "")
	var items []weights.Item
	for _, name := range m.Names() {
		if x, _ := m.Tensor(name); strings.HasPrefix(name, "bert.") {
			items = append(items, weights.FromTensor(name, x, ""))
		}
	}
	out := filepath.Join(t.TempDir(), "encoder.safetensors")
	if err := weights.Write(out, items, nil); err != nil {
		t.Fatal(err)
	}
	return out
}

package cli_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

func TestFlagsBecomeOptions(t *testing.T) {
	l, err := cli.Parse(dataset.VQA, strings.Fields("--train train,nominival --valid= --batch 32 --lr=5e-5 --curriculum 1,0.5 --multi --tq --determ"))
	if err != nil {
		t.Fatal(err)
	}
	o := l.Options
	if !slices.Equal(o.Train, []string{"train", "nominival"}) || o.Valid != nil || o.BatchSize != 32 || o.LR != 5e-5 ||
		!slices.Equal(o.Schedule, []float64{1, 0.5}) || !l.MultiGPU || !l.TQDM || !o.Deterministic || o.Epochs != 10 {
		t.Errorf("%+v", l)
	}
}

func TestPatternsOfParametersAreLists(t *testing.T) {
	l, err := cli.Parse(dataset.Pretraining, strings.Fields("--freeze bert.embeddings.*,*.bias --lrFor bert.*=1e-5 --freeze cls.* --lrFor answer_head.*=2e-4 --lora 4 --loraTargets query,*.pooler.dense"))
	if err != nil {
		t.Fatal(err)
	}
	o := l.Options
	if o.LoRA.Rank != 4 || !slices.Equal(o.LoRA.Targets, []string{"query", "*.pooler.dense"}) || !slices.Equal(o.Freeze, []string{"bert.embeddings.*", "*.bias", "cls.*"}) || len(o.Rates) != 2 ||
		o.Rates[0].Pattern != "bert.*" || o.Rates[0].LR != 1e-5 || o.Rates[1].Pattern != "answer_head.*" || o.Rates[1].LR != 2e-4 {
		t.Errorf("%+v, %+v, %+v", o.Freeze, o.Rates, o.LoRA)
	}
}

func TestMistakesAreUsage(t *testing.T) {
	for line, want := range map[string]string{
		"--batchSise 4":         "batchSise",
		"--lo x":                "unknown flag: --lo",
		"more":                  `what is "more"`,
		"--curriculum a":        "is not a number of epochs",
		"--resume --overwrite":  "give one of them",
		"--plan --test minival": "leave one of them out",
		"--batchSize":           "needs an argument",
		"--lrFor bert.*":        "is not PATTERN=RATE",
		"--lrFor bert.*=fast":   `"fast" is not a learning rate`,
		"--loraAlpha 4":         "are for --lora RANK",
	} {
		if _, err := cli.Parse(dataset.GQA, strings.Fields(line)); !errors.Is(err, cli.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestPretrainingRefusesWhatFineTuningHas(t *testing.T) {
	for _, line := range []string{"--blind", "--mceLoss", "--noDynamics", "--keepFeatures yes"} {
		if _, err := cli.Parse(dataset.Pretraining, strings.Fields(line)); !errors.Is(err, cli.ErrUsage) || !strings.Contains(err.Error(), "for fine-tuning") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestPublishedScriptsParse(t *testing.T) {
	for _, s := range cli.Scripts() {
		line := []string{"run/" + s.Name + ".bash", "0,1"}
		name := "lxmert" // which pre-training always has
		if !s.Task.Pretrains {
			name = "tiny"
			line = append(line, name)
		}
		task, flags, gpus, err := cli.ScriptLine(line)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		l, err := cli.Parse(task, flags)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		if l.Options.Output != "snap/"+s.Task.Name+"/"+name || gpus != "0,1" || l.Options.LangLayers != 9 {
			t.Errorf("%s: %+v on %s", s.Name, l.Options, gpus)
		}
		if noValid := strings.HasSuffix(s.Name, "_test") && s.Name != "nlvr2_test"; noValid != (len(l.Options.Valid) == 0) {
			t.Errorf("%s validates on %v", s.Name, l.Options.Valid)
		}
	}
}

func TestAScriptsLayersGiveWayToAConfiguration(t *testing.T) {
	for more, want := range map[string]int{"--config c.json": -1, "--conf=c.json": -1, "--llay 3": 3, "--config c.json --llayers 4": 4, "--tiny": 9} {
		task, flags, _, err := cli.ScriptLine(append([]string{"vqa_test", "0", "x"}, strings.Fields(more)...))
		if err != nil {
			t.Fatal(err)
		}
		if l, err := cli.Parse(task, flags); err != nil || l.Options.LangLayers != want {
			t.Errorf("%s: %d language layers, want %d (%v)", more, l.Options.LangLayers, want, err)
		}
	}
}

func TestAgainResumes(t *testing.T) {
	for line, want := range map[string]string{
		"vqa --overwrite --lr 1":    "vqa --lr 1 --resume",
		"vqa --resume":              "vqa --resume",
		"vqa --overwrite=true --lr": "vqa --lr --resume",
	} {
		if got := strings.Join(cli.Again(strings.Fields(line)), " "); got != want {
			t.Errorf("%s goes on with %s, want %s", line, got, want)
		}
	}
}

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/internal/shell"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
)

// ErrUsage is wrapped by every error about what a command line says.
var ErrUsage = errors.New("usage")

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, args...))
}

// Line is the command line of a task. Options hold what [Parse] or [Line.Complete] read.
type Line struct {
	Task    *dataset.Task
	Options task.Options
	// MultiGPU shares every batch between all devices of the backend, which Options.Devices is to be set to.
	MultiGPU bool
	// TQDM shows progress even where the output is not a terminal.
	TQDM bool
	// Plan says what the training would take, see [task.Plan], instead of training.
	Plan bool

	train, valid, curriculum, visualLosses, qaSets string
	rates                                          []string
}

// New returns the empty command line of a task.
func New(t *dataset.Task) *Line {
	l := &Line{Task: t, Options: task.DefaultOptions()}
	if t.Pretrains {
		o := &l.Options
		o.Train, o.Valid, o.Epochs, o.Output = []string{"mscoco_train", "mscoco_nominival", "vgnococo"}, []string{"mscoco_minival"}, 20, "snap/pretrain/lxmert"
	}
	return l
}

// Parse reads the flags of a task. Names may be given in part, as [Expand] says.
func Parse(t *dataset.Task, args []string) (*Line, error) {
	l := New(t)
	s := pflag.NewFlagSet(t.Name, pflag.ContinueOnError)
	s.Usage = func() {}
	l.Add(s)
	return l, l.Read(s, args)
}

// Read is [Parse] for flags that [Line.Add] has defined, and a program others beside them.
func (l *Line) Read(s *pflag.FlagSet, args []string) error {
	if err := s.Parse(Expand(args, s)); err != nil {
		return usage("%w", err)
	}
	if s.NArg() > 0 {
		return usage("what is %q? Flags begin with --", s.Arg(0))
	}
	return l.Complete()
}

// Add defines the flags.
func (l *Line) Add(s *pflag.FlagSet) {
	o := &l.Options
	l.train, l.valid = strings.Join(o.Train, ","), strings.Join(o.Valid, ",")
	s.StringVar(&l.train, "train", l.train, "splits to train on, separated by commas")
	s.StringVar(&l.valid, "valid", l.valid, `splits to validate on; "" for none`)
	s.StringVar(&o.Test, "test", "", "splits to predict, with --load, instead of training")
	s.IntVar(&o.BatchSize, "batchSize", o.BatchSize, "questions of a step, over all devices and parts")
	s.StringVar(&o.Optim, "optim", o.Optim, "bert (BertAdam), rms, adam, adamax or sgd")
	s.Float64Var(&o.LR, "lr", o.LR, "peak learning rate")
	s.StringSliceVar(&o.Freeze, "freeze", nil, "parameters that stay as they are, by `PATTERN` of their names, which \"lxmert inspect\" lists, in which * stands for any characters; several with commas or by several flags")
	s.StringSliceVar(&l.rates, "lrFor", nil, "peak learning rates of some parameters, `PATTERN=RATE` as in 'logit_fc.*=1e-3'; of several that match, the last one counts")
	s.IntVar(&o.LoRA.Rank, "lora", 0, "train low-rank adapters of this rank, and the heads, and nothing else (default: none)")
	s.StringSliceVar(&o.LoRA.Targets, "loraTargets", nil, "layers with adapters: query, key, value, output or ffn, or patterns of their names (default query,value)")
	s.Float64Var(&o.LoRA.Alpha, "loraAlpha", 0, "adapters count alpha / rank times (default: the rank)")
	s.Float64Var(&o.LoRA.Dropout, "loraDropout", 0, "dropout rate of what adapters read")
	s.IntVar(&o.Epochs, "epochs", o.Epochs, "epochs")
	s.Float64Var(&o.Dropout, "dropout", o.Dropout, "both dropout rates; negative: as the configuration says, 0.1 without one")
	s.Uint64Var(&o.Seed, "seed", o.Seed, "of initial values, order and dropout")
	s.StringVar(&o.Output, "output", o.Output, "folder for logs, snapshots and predictions")
	s.BoolVar(&o.Fast, "fast", false, "use the first 5000 images of every feature file")
	s.BoolVar(&o.Tiny, "tiny", false, "use the first 512 images of every feature file")
	s.BoolVar(&l.TQDM, "tqdm", false, "show progress even where the output is not a terminal")
	s.StringVar(&o.Load, "load", "", "fine-tuned snapshot, without suffix")
	s.StringVar(&o.LoadLXMERT, "loadLXMERT", "", "pre-trained weights, of which the answer head is left out, without suffix")
	s.StringVar(&o.LoadLXMERTQA, "loadLXMERTQA", "", "pre-trained weights with their answer head, without suffix (VQA, GQA)")
	s.BoolVar(&o.FromScratch, "fromScratch", false, "draw all parameters, but for those that are loaded")
	s.BoolVar(&o.MCELoss, "mceLoss", false, "one right answer per question: cross-entropy (GQA)")
	s.IntVar(&o.LangLayers, "llayers", -1, "language layers (default: the weights', the configuration's, or 9)")
	s.IntVar(&o.CrossLayers, "xlayers", -1, "cross-modality layers (default: the weights', the configuration's, or 5)")
	s.IntVar(&o.RegionLayers, "rlayers", -1, "object-relationship layers (default: the weights', the configuration's, or 5)")
	s.BoolVar(&l.MultiGPU, "multiGPU", false, "share every batch between all devices of the backend")
	s.IntVar(&o.LoadingWorkers, "numWorkers", 0, "goroutines that read region features (default 2)")

	s.StringVar(&o.Root, "data", o.Root, "the data folder")
	s.StringVar(&o.Config, "config", "", "JSON file with the model's sizes and dropout rates (default: looked for beside the weights)")
	s.StringVar(&o.Vocab, "vocab", "", "BERT's vocab.txt (default: looked for beside the weights, in the data folder and in Hugging Face's cache)")
	s.StringVar(&o.Bert, "bert", "", "BERT's own weights, which words, language layers and their heads start from: bert-base-uncased as a .tar.gz, a folder, a pytorch_model.bin or a .safetensors")
	s.Float64Var(&o.InitRange, "initRange", 0, "standard deviation of parameters that are drawn (default: the configuration's, or 0.02)")
	s.BoolVar(&l.Plan, "plan", false, "say what the run would take (data, steps, memory, disk, time by ten steps), and do not make it")
	s.StringVar(&l.curriculum, "curriculum", "", "epochs of each split of --train, one split after the other on one learning rate schedule, as 1,0.5,0.9")
	s.BoolVar(&o.Blind, "blind", false, "show the model an empty region instead of each picture: what the questions alone tell")
	s.BoolVar(&o.NoShuffle, "noShuffle", false, "take the questions in the files' order")
	s.BoolVar(&o.NoDynamics, "noDynamics", false, "do not keep dynamics.safetensors, the probability of each example's label by epoch, of which \"lxmert map\" makes a map of the data")
	s.BoolVar(&o.Strict, "strict", false, "a question whose picture is missing is an error")
	s.IntVar(&o.Accumulate, "accumulate", 1, "parts that a batch is computed in, one after the other, to save memory")
	s.IntVar(&o.Devices, "devices", 1, "devices that share every batch")
	s.BoolVar(&o.BF16, "bf16", false, "layers compute in bfloat16; parameters, LayerNorm, softmax and loss stay in float32")
	s.BoolVar(&o.TF32, "tf32", false, "multiply float32 numbers on GPUs by TensorFloat-32, with 10 of their 23 mantissa bits: several times as fast, but less so than --bf16 (default: with all of them, as PyTorch does by default)")
	s.BoolVar(&o.Rematerialize, "rematerialize", false, "keep only what stands between layers for the way back, and compute the rest again: less memory for large batches, about a third more time")
	s.StringVar(&o.KeepFeatures, "keepFeatures", "auto", "keep the features of all training pictures on the GPU, which then need not be sent with each step: yes, no, or auto, where the GPU says that they fit beside the training (fine-tuning)")
	s.BoolVar(&o.Deterministic, "deterministic", false, "the same bits whenever it is done, on a GPU too, so that a run that is resumed there ends like one that was never interrupted (the processor does so anyway)")
	s.BoolVar(&o.Resume, "resume", false, "go on with the run in --output, or start it if it has no saved state")
	s.BoolVar(&o.Overwrite, "overwrite", false, "lose the run that --output holds")
	s.IntVar(&o.SaveSteps, "saveSteps", 0, "save the state after this many steps (default: by time only)")
	s.DurationVar(&o.SaveEvery, "saveEvery", 10*time.Minute, "save the state this often")
	s.IntVar(&o.MaxBad, "max-bad", 10, "stop the run after this many steps in a row whose loss or gradient is not finite")
	s.IntVar(&o.MaxSteps, "maxSteps", 0, "end the run after this many steps, over which the learning rate falls (default: all of --epochs)")
	s.IntVar(&o.Patience, "patience", 0, "stop after this many epochs in a row without a better validation (default: never)")
	s.IntVar(&o.LogSteps, "logSteps", 0, "steps between two lines of metrics.jsonl (default: a hundred lines per epoch)")
	s.IntVar(&o.PredictBatch, "predictBatch", 64, "rows that are predicted at once")
	if l.Task.Pretrains {
		l.addPretraining(s)
		return
	}
	ignore(s)
}

// addPretraining defines the flags of pre-training, and hides those that mean nothing to it.
func (l *Line) addPretraining(s *pflag.FlagSet) {
	p := &l.Options.Pretraining
	s.BoolVar(&p.MaskLM, "taskMaskLM", false, "learn masked words (without any --task…: all four)")
	s.BoolVar(&p.Matched, "taskMatched", false, "learn whether the sentence is about the picture; half of the sentences are swapped")
	s.BoolVar(&p.Objects, "taskObjPredict", false, "learn masked regions")
	s.BoolVar(&p.QA, "taskQA", false, "learn the answers of questions")
	s.StringVar(&l.visualLosses, "visualLosses", strings.Join(p.VisualLosses, ","), "what to learn of regions: obj, attr and feat")
	s.StringVar(&l.qaSets, "qaSets", "", "answers of these data sets only, such as vqa,gqa (default: all of data/lxmert/all_ans.json)")
	s.Float64Var(&p.WordMaskRate, "wordMaskRate", p.WordMaskRate, "share of word pieces that are asked for")
	s.Float64Var(&p.ObjMaskRate, "objMaskRate", p.ObjMaskRate, "share of regions whose features are asked for")
	s.BoolVar(&p.MaskedOnly, "maskedOnly", false, "learn objects and attributes of masked regions only (the published code: of all)")
	s.StringVar(&p.ObjectList, "objects", "", "text file that names the classes of the regions' objects, one per line (default: as many as the weights have, or 1600)")
	s.StringVar(&p.AttributeList, "attributes", "", "text file that names the classes of their attributes, one per line (default: as many as the weights have, or 400)")
	s.Lookup("train").Usage = "sources of sentences, data/lxmert/<source>.json, separated by commas"
	s.Lookup("valid").Usage = `sources to validate on; "" for none`
	s.Lookup("batchSize").Usage = "sentences of a step, over all devices and parts"
	s.Lookup("load").Usage = "pre-trained model to go on from, with all of its heads, without suffix"
	s.Lookup("loadLXMERT").Usage = "pre-trained model of which what fits is taken, without suffix; what is drawn is said"
	s.Lookup("tiny").Usage = "use the first 500 images of every feature file"
	for _, name := range notPretraining {
		s.Lookup(name).Hidden = true
	}
}

// notPretraining are the flags that pre-training has no use for.
var notPretraining = []string{"test", "loadLXMERTQA", "mceLoss", "blind", "predictBatch", "noDynamics", "keepFeatures"}

// ignore defines the reference's flags for pre-training, which its scripts give to every task.
func ignore(s *pflag.FlagSet) {
	const about = "of pre-training; not used here"
	for _, name := range []string{"taskMatched", "taskMaskLM", "taskObjPredict", "taskQA"} {
		s.Bool(name, false, about)
		s.Lookup(name).Hidden = true
	}
	for _, name := range []string{"visualLosses", "qaSets", "wordMaskRate", "objMaskRate"} {
		s.String(name, "", about)
		s.Lookup(name).Hidden = true
	}
}

// Complete reads what the flags say into the options, after they were parsed.
func (l *Line) Complete() error {
	o := &l.Options
	o.Train, o.Valid = task.Splits(l.train), task.Splits(l.valid)
	o.Schedule = nil
	for _, s := range task.Splits(l.curriculum) {
		e, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return usage("--curriculum: %q is not a number of epochs", s)
		}
		o.Schedule = append(o.Schedule, e)
	}
	if err := l.fillToy(); err != nil {
		return err
	}
	var err error
	if o.Rates, err = task.ParseRates(l.rates); err != nil {
		return usage("--lrFor: %w", err)
	}
	if l.Task.Pretrains {
		o.Pretraining.VisualLosses, o.Pretraining.QASets = task.Splits(l.visualLosses), task.Splits(l.qaSets)
		switch {
		case o.Test != "":
			return usage("--test: pre-training predicts nothing")
		case o.Blind || o.MCELoss || o.NoDynamics || o.KeepFeatures == "yes":
			return usage("--blind, --mceLoss, --noDynamics and --keepFeatures yes are for fine-tuning")
		}
	}
	if l.Plan && o.Test != "" {
		return usage("--plan is for training, --test for prediction; leave one of them out")
	}
	if l := o.LoRA; l.Rank == 0 && (l.Alpha != 0 || l.Dropout != 0 || l.Targets != nil) {
		return usage("--loraTargets, --loraAlpha and --loraDropout are for --lora RANK")
	}
	if o.Resume && o.Overwrite {
		return usage("--resume keeps the run in %s and --overwrite loses it; give one of them", o.Output)
	}
	return nil
}

// Again is the command line that goes on with a run: the one that started it, with --resume.
func Again(args []string) []string {
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--overwrite" || strings.HasPrefix(a, "--overwrite=") })
	if !slices.Contains(args, "--resume") {
		args = append(args, "--resume")
	}
	return args
}

// Quote writes a command line as a shell reads it.
func Quote(args []string) string { return shell.Line(args) }

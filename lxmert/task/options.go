package task

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// Options are the choices of a run. The names of the first group are the reference's flags.
type Options struct {
	Train, Valid []string // splits; no Valid: no validation
	Test         string   // splits to predict
	BatchSize    int      // questions of a step, those of several parts or devices together
	Optim        string   // see [train.NewOptimizer]
	LR           float64
	Freeze       []string // patterns of parameters that stay as they are, see [train.Options]
	Rates        []train.Rate
	LoRA         train.LoRA
	Epochs       int
	Seed         uint64
	Output       string
	Tiny, Fast   bool
	Load         string // a fine-tuned snapshot
	LoadLXMERT   string // pre-trained weights, without their answer head
	LoadLXMERTQA string // pre-trained weights with their answer head
	FromScratch  bool   // parameters are drawn, not loaded
	MCELoss      bool   // GQA: one right answer
	// Layers; -1: as many as the weights or the configuration say, and the published model's if neither is given.
	LangLayers, CrossLayers, RegionLayers int

	// Pretraining has the flags of pre-training, for [dataset.Pretraining] only.
	Pretraining Pretraining

	// Own is an objective of one's own, nil: the task's. See package own.
	Own *Own

	// Folder is what relative names of files and folders are relative to; "": the working directory.
	Folder    string
	Root      string    // the folder "data"
	Config    string    // a configuration file; "": see [weights.OpenModel]
	Vocab     string    // a vocabulary; "": see [token.Find]
	Bert      string    // BERT's own weights, which the language layers start from
	Dropout   float64   // both rates; negative: the configuration's
	InitRange float64   // of parameters that are drawn; 0: the configuration's
	Schedule  []float64 // epochs of each split in Train, one after the other, instead of Epochs of all together

	// Blind shows the model one empty region instead of every picture's: what it learns then, the questions tell.
	Blind          bool
	NoShuffle      bool
	NoDynamics     bool // nothing is kept of each example, see package dynamics
	Strict         bool // a question without its picture is an error
	Accumulate     int  // parts that a batch is cut into; 0 is 1
	Devices        int  // that share a batch; 0 is 1
	BF16           bool
	TF32           bool // on GPUs; see [train.Options]
	Rematerialize  bool
	Deterministic  bool   // see [train.Options]
	KeepFeatures   string // on GPUs: "yes", "no", or "auto" and "", where they fit; see [train.Trainer.Keep]
	Resume         bool
	Overwrite      bool
	SaveSteps      int
	SaveEvery      time.Duration
	MaxBad         int
	MaxSteps       int // of a run, which ends there; 0: as many as its epochs have
	Patience       int // see [train.RunOptions]
	LogSteps       int
	PredictBatch   int // rows that are predicted at once; 0: 64
	LoadingWorkers int // goroutines that read features; 0: two

	Out      io.Writer            // what the reference prints
	Notes    io.Writer            // what it does not
	Progress func(train.Progress) // of training
	Predict  func(done, all int)  // progress of prediction
	// Packing is progress of a feature file's first use, see [dataset.Options].
	Packing func(done, total int64, images int)

	planning *planning // of [Plan]; nil: the run is made
}

// DefaultOptions are the reference's defaults.
func DefaultOptions() Options {
	return Options{
		Train: []string{"train"}, Valid: []string{"valid"}, BatchSize: 256, Optim: "bert", LR: 1e-4, Epochs: 10, Seed: 9595,
		Output: "snap/test", LangLayers: -1, CrossLayers: -1, RegionLayers: -1, Root: "data", Dropout: -1,
		Pretraining: DefaultPretraining(),
		Out:         io.Discard, Notes: io.Discard,
	}
}

func (o *Options) check() error {
	if err := o.Own.check(); err != nil {
		return err
	}
	switch {
	case o.BatchSize < 1:
		return fmt.Errorf("task: --batchSize is %d, must be at least 1", o.BatchSize)
	case o.Epochs < 1:
		return fmt.Errorf("task: --epochs is %d, must be at least 1", o.Epochs)
	case o.Dropout >= 1:
		return fmt.Errorf("task: --dropout is %g, must be below 1", o.Dropout)
	case len(o.Train) == 0:
		return fmt.Errorf("task: --train names no split")
	}
	if !slices.Contains([]string{"", "auto", "yes", "no"}, o.KeepFeatures) {
		return fmt.Errorf("task: --keepFeatures is %q, must be auto, yes or no", o.KeepFeatures)
	}
	if o.MaxSteps < 0 || o.Patience < 0 {
		return fmt.Errorf("task: --maxSteps %d and --patience %d must be at least 0, which is without a limit", o.MaxSteps, o.Patience)
	}
	if o.Patience > 0 && len(o.Valid) == 0 {
		return fmt.Errorf("task: --patience %d waits for a better validation, and --valid names no split to validate on", o.Patience)
	}
	if shares := o.shares(); o.BatchSize%shares != 0 {
		return fmt.Errorf("task: --batchSize %d cannot be shared by %d parts on %d devices; a multiple of %d can", o.BatchSize, max(1, o.Accumulate), max(1, o.Devices), shares)
	}
	if o.Schedule != nil && len(o.Schedule) != len(o.Train) {
		return fmt.Errorf("task: --curriculum has %d numbers of epochs for %d splits in --train", len(o.Schedule), len(o.Train))
	}
	for _, e := range o.Schedule {
		if !(e > 0) {
			return fmt.Errorf("task: --curriculum has %g epochs, must be above 0", e)
		}
	}
	return nil
}

// settle makes relative names those of files in o.Folder.
func (o *Options) settle() {
	if o.Folder == "" {
		return
	}
	for _, name := range []*string{&o.Output, &o.Load, &o.LoadLXMERT, &o.LoadLXMERTQA, &o.Root, &o.Config, &o.Vocab, &o.Bert, &o.Pretraining.ObjectList, &o.Pretraining.AttributeList} {
		*name = filesearch.Under(o.Folder, *name)
	}
}

// shares is how many equal shares a batch is computed in: the parts of a step, each on so many devices.
func (o *Options) shares() int { return max(1, o.Accumulate) * max(1, o.Devices) }

// limit is the number of images of each feature file that --tiny and --fast leave.
func (o *Options) limit() int {
	switch {
	case o.Tiny:
		return 512
	case o.Fast:
		return 5000
	}
	return 0
}

// predictBatch is how many rows are predicted at once.
func (o *Options) predictBatch() int { return cmp.Or(o.PredictBatch, 64) }

// loadingWorkers is how many goroutines read features.
func (o *Options) loadingWorkers() int { return cmp.Or(o.LoadingWorkers, 2) }

// settings are what the outcome of a training run depends on, with names of files as they were given, from whichever folder.
func (o *Options) settings(task *dataset.Task) map[string]string {
	float := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	s := map[string]string{
		"task": task.Name, "train": strings.Join(o.Train, ","), "valid": strings.Join(o.Valid, ","),
		"batchSize": strconv.Itoa(o.BatchSize), "optim": o.Optim, "lr": float(o.LR), "epochs": strconv.Itoa(o.Epochs),
		"seed": strconv.FormatUint(o.Seed, 10), "limit": strconv.Itoa(o.limit()), "load": o.Load, "loadLXMERT": o.LoadLXMERT,
		"loadLXMERTQA": o.LoadLXMERTQA, "bert": o.Bert, "fromScratch": strconv.FormatBool(o.FromScratch), "mceLoss": strconv.FormatBool(o.MCELoss),
		"dropout": float(o.Dropout), "noShuffle": strconv.FormatBool(o.NoShuffle), "blind": strconv.FormatBool(o.Blind), "initRange": float(o.InitRange), "bf16": strconv.FormatBool(o.BF16),
		"accumulate": strconv.Itoa(max(1, o.Accumulate)),
	}
	if task.Pretrains {
		maps.Copy(s, o.Pretraining.settings())
	}
	if o.Own != nil {
		s["own"] = o.Own.Name
	}
	if o.Schedule != nil {
		var parts []string
		for _, e := range o.Schedule {
			parts = append(parts, float(e))
		}
		s["curriculum"] = strings.Join(parts, ",")
	}
	// What was added later is left out where it is not used, so that older runs can be resumed.
	if l := o.LoRA; l.Rank > 0 {
		s["lora"] = fmt.Sprintf("rank %d, alpha %s, dropout %s, targets %s", l.Rank, float(l.Alpha), float(l.Dropout), strings.Join(l.Targets, ","))
	}
	if o.Freeze != nil {
		s["freeze"] = strings.Join(o.Freeze, ",")
	}
	if o.Rates != nil {
		var parts []string
		for _, r := range o.Rates {
			parts = append(parts, r.Pattern+"="+float(r.LR))
		}
		s["lrFor"] = strings.Join(parts, ",")
	}
	if o.TF32 {
		s["tf32"] = "true"
	}
	if o.MaxSteps > 0 {
		s["maxSteps"] = strconv.Itoa(o.MaxSteps)
	}
	if o.Patience > 0 {
		s["patience"] = strconv.Itoa(o.Patience)
	}
	return s
}

// ParseRates reads learning rates of their own, each as PATTERN=RATE.
func ParseRates(texts []string) (rates []train.Rate, err error) {
	for _, text := range texts {
		at := strings.LastIndex(text, "=")
		if at < 1 {
			return nil, fmt.Errorf("%q is not PATTERN=RATE, as in logit_fc.*=1e-4", text)
		}
		lr, err := strconv.ParseFloat(text[at+1:], 64)
		if err != nil || !(lr >= 0) || math.IsInf(lr, 0) {
			return nil, fmt.Errorf("%q: %q is not a learning rate", text, text[at+1:])
		}
		rates = append(rates, train.Rate{Pattern: text[:at], LR: lr})
	}
	return rates, nil
}

// pythonList writes splits as the reference prints them.
func pythonList(splits []string) string {
	quoted := slices.Clone(splits)
	for i, s := range quoted {
		quoted[i] = "'" + s + "'"
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/compileoption"
	"github.com/seed-516990b0/golxmert/lxmert/internal/nogpu"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// This file is the two processes of each program that is compiled for a GPU that is not there: one builds it as a GPU gets it and
// writes it to files, one compiles it.

// takeSpec says which programs one process writes.
type takeSpec struct {
	Plugin  string        `json:"plugin"` // of the processor
	Dir     string        `json:"dir"`
	Sizes   lxmert.Config `json:"sizes"`
	What    string        `json:"what"` // "train", "forward" or "explain"
	Batch   int           `json:"batch"`
	Words   int           `json:"words"`
	Regions int           `json:"regions"`
	Devices int           `json:"devices"`
	BF16    bool          `json:"bf16,omitempty"`
	TF32    bool          `json:"tf32,omitempty"`
}

// takenProgram is a program in files.
type takenProgram struct {
	Name    string `json:"name"`
	Text    string `json:"text"`    // file with StableHLO
	Options string `json:"options"` // file with a serialized CompileOptionsProto
	Devices int    `json:"devices"`
}

// take goes through the motions of what is asked for, and writes what it would have had compiled.
func (s takeSpec) take(ctx context.Context) ([]takenProgram, error) {
	var list []takenProgram
	var failed error
	b, err := nogpu.Open(s.Plugin, s.Devices, s.TF32, func(p nogpu.Program) {
		base := filepath.Join(s.Dir, fmt.Sprintf("program-%d", len(list)))
		t := takenProgram{Name: p.Name, Text: base + ".mlir", Options: base + ".options", Devices: p.Devices}
		for file, bytes := range map[string][]byte{t.Text: p.Text, t.Options: p.Options} {
			if err := os.WriteFile(file, bytes, 0o600); err != nil {
				failed = err
			}
		}
		list = append(list, t)
	})
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	model := modelSpec{Inputs: filepath.Join(s.Dir, "inputs.safetensors"), BF16: s.BF16}
	if err := writeInputs(model.Inputs, s.Sizes, s.Batch, s.Words, s.Regions, answerItems); err != nil {
		return nil, err
	}
	source := &synthetic.Weights{Config: s.Sizes, Seed: seed}
	if s.What == "train" {
		t := trainSpec{modelSpec: model, Batch: s.Batch, Clip: tuningClip, Accumulate: 1, Devices: s.Devices}
		_, parts, err := t.parts()
		if err != nil {
			return nil, err
		}
		trainer, err := t.trainerOf(ctx, b, s.Sizes, source)
		if err != nil {
			return nil, err
		}
		defer trainer.Close()
		if _, err := trainer.Step(ctx, parts...); err != nil {
			return nil, err
		}
		return list, failed
	}
	m, err := lxrt.New(b, s.Sizes, source, lxrt.Options{BFloat16: s.BF16})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs, err := lxrt.ReadBatch(model.Inputs)
	if err != nil {
		return nil, err
	}
	if s.What == "forward" {
		_, err = m.Run(ctx, inputs, lxmert.Request{Want: lxmert.All("out.task")})
	} else {
		_, err = relevance.BiModal(ctx, m, inputs, analysis.Predicted(), relevance.Options{})
	}
	if err != nil {
		return nil, err
	}
	return list, failed
}

// aheadSpec says what one process compiles.
type aheadSpec struct {
	Plugin        string       `json:"plugin"` // CUDA's
	Program       takenProgram `json:"program"`
	WithoutTriton bool         `json:"without_triton,omitempty"`
	Dump          string       `json:"dump"` // folder for what the compiler makes of it
}

// aheadResult is what became of it.
type aheadResult struct {
	Error   string     `json:"error,omitempty"` // the compiler's
	Seconds float64    `json:"seconds"`
	Need    nogpu.Need `json:"need"`
}

// compile compiles for an H100. What the compiler writes is asked for with the program: JAX's come with options of their own, which
// XLA_FLAGS in the environment does not change.
func (s aheadSpec) compile() (*aheadResult, error) {
	text, err := os.ReadFile(s.Program.Text)
	if err != nil {
		return nil, err
	}
	options, err := os.ReadFile(s.Program.Options)
	if err != nil {
		return nil, err
	}
	options = compileoption.Dumping(options, s.Dump)
	if s.WithoutTriton {
		options = compileoption.WithoutTriton(options)
	}
	r, start := &aheadResult{}, time.Now()
	r.Need, err = nogpu.Compile(s.Plugin, nogpu.H100, nogpu.Program{Text: text, Options: options, Devices: s.Program.Devices})
	if err != nil {
		r.Error = err.Error()
	}
	r.Seconds = time.Since(start).Seconds()
	return r, nil
}

// named are the programs of some names, in their order.
func named(list []takenProgram, names ...string) (some []takenProgram, err error) {
	for _, name := range names {
		at := slices.IndexFunc(list, func(p takenProgram) bool { return p.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("no program %q was built", name)
		}
		some = append(some, list[at])
	}
	return some, nil
}

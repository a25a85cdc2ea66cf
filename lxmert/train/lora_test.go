package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// everywhere adapts every layer of the body.
var everywhere = LoRA{Rank: 2, Alpha: 6, Targets: []string{"*"}}

func withLoRA(opt Options, l LoRA) Options {
	opt.LoRA = l
	return opt
}

// startValues are the parameters that runs of these tests start with.
func startValues() *Initial { return &Initial{Config: small(), Seed: 3, Range: 0.1} }

func TestTargetsAreTheProjectionsOfTheirNames(t *testing.T) {
	const body = "bert.encoder."
	tower := func(p string) map[string][]string {
		return map[string][]string{
			"query": {p + ".attention.self.query"}, "key": {p + ".attention.self.key"}, "value": {p + ".attention.self.value"},
			"output": {p + ".attention.output.dense"}, "ffn": {p + ".intermediate.dense", p + ".output.dense"},
		}
	}
	lang, vision := tower(body+"layer.0"), tower(body+"r_layers.0")
	x := body + "x_layers.0."
	cross := map[string][]string{"ffn": {x + "lang_inter.dense", x + "lang_output.dense", x + "visn_inter.dense", x + "visn_output.dense"}}
	for _, block := range []string{"visual_attention", "lang_self_att", "visn_self_att"} {
		inner := map[bool]string{true: ".att.", false: ".self."}[block == "visual_attention"]
		for _, p := range []string{"query", "key", "value"} {
			cross[p] = append(cross[p], x+block+inner+p)
		}
		cross["output"] = append(cross["output"], x+block+".output.dense")
	}
	for _, word := range LoRATargets() {
		a, err := newAdapters(small(), LoRA{Rank: 1, Targets: []string{word}})
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Concat(lang[word], cross[word], vision[word])
		if !slices.Equal(a.layers, want) {
			t.Errorf("%s adapts %v, expected %v", word, a.layers, want)
		}
	}
	for _, c := range []struct {
		targets []string
		want    int
	}{
		{nil, 10}, // query and value of five blocks
		{[]string{"bert.pooler.dense"}, 1},
		{[]string{"*"}, 31},
		{[]string{"*.r_layers.*", "vision", "query"}, -1},
		{[]string{"lxrt_encoder.model.bert.encoder.r_layers.*", "query"}, 6 + 4},
	} {
		a, err := newAdapters(small(), LoRA{Rank: 1, Targets: c.targets})
		n := -1
		if err == nil {
			n = len(a.layers)
		}
		if n != c.want {
			t.Errorf("%v adapt %d layers, expected %d: %v", c.targets, n, c.want, err)
		}
	}
}

// TestAdaptersBeginWithTheModelAsItIs: B is zero, A normal with a variance of one over its inputs.
func TestAdaptersBeginWithTheModelAsItIs(t *testing.T) {
	b := backendtest.Open(t, "go")
	part := rows(small(), 1, 4)
	loss := func(l LoRA) float64 {
		tr := newTrainer(t, b, startValues(), answers, withLoRA(plain, l))
		x, _, err := tr.Evaluate(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if with, without := loss(everywhere), loss(LoRA{}); with != without {
		t.Errorf("before the first step the loss is %g with adapters, %g without", with, without)
	}
	p := lxmert.Param{Name: "bert.pooler.dense.lora_A.weight", Shape: []int{64, 768}}
	a := &adapters{}
	values, turned := make([]float32, lxmert.Size(p.Shape)), make([]float32, lxmert.Size(p.Shape))
	a.start(1, p, values, false)
	a.start(1, p, turned, true)
	sum, squares, inside := 0.0, 0.0, 0
	for _, x := range values {
		sum += float64(x)
		squares += float64(x) * float64(x)
		if math.Abs(float64(x)) < 1/math.Sqrt(768) {
			inside++
		}
	}
	// Bounds are five standard errors of 49,152 draws.
	n := float64(len(values))
	if mean, variance, share := sum/n, squares/n*768, float64(inside)/n; math.Abs(mean) > 5/math.Sqrt(768*n) || math.Abs(variance-1) > 5*math.Sqrt(2/n) || math.Abs(share-0.6827) > 5*0.4654/math.Sqrt(n) {
		t.Errorf("A has the mean %g, the variance %g / 768, and %g of it within one deviation", mean, variance, share)
	}
	if turned[64] != values[1] || turned[1] != values[768] {
		t.Error("on the device A is not the transpose of what it is in files")
	}
	a.start(1, lxmert.Param{Name: "bert.pooler.dense.lora_B.weight", Shape: []int{768, 64}}, values, false)
	if slices.ContainsFunc(values, func(x float32) bool { return x != 0 }) {
		t.Error("B is not zero")
	}
}

// TestOnlyAdaptersAndHeadsMove, and what the loss depends on of them moves.
func TestOnlyAdaptersAndHeadsMove(t *testing.T) {
	b := backendtest.Open(t, "go")
	tr := newTrainer(t, b, startValues(), answers, withLoRA(withDropout(), everywhere))
	for _, parts := range twoSteps() {
		if _, err := tr.Step(t.Context(), parts...); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range small().Params() {
		same := slices.Equal(tr.values(t, p.Name, -1), drawn(t, p))
		if state := len(tr.vars.byName[p.Name].slots); same != isBody(p.Name) || (state == 0) != isBody(p.Name) {
			t.Errorf("%s is the same: %v, with %d arrays of state", p.Name, same, state)
		}
	}
	for _, p := range tr.adapters.params {
		start := make([]float32, lxmert.Size(p.Shape))
		tr.adapters.start(0, p, start, false)
		unused := strings.Contains(p.Name, "visn_self_att") || strings.Contains(p.Name, "visn_inter") || strings.Contains(p.Name, "visn_output")
		if same := slices.Equal(tr.values(t, p.Name, -1), start); same != unused {
			t.Errorf("%s is the same: %v", p.Name, same)
		}
	}
}

// TestGradientsOfAdaptersAreThoseOfTheWeight, for y = x (W + s A B) on the device's axes and G the gradient of W: that of A is
// s G B^T, and that of B is s A^T G. Steps of plain descent show each.
func TestGradientsOfAdaptersAreThoseOfTheWeight(t *testing.T) {
	const layer, scale = "bert.encoder.x_layers.0.visual_attention.att.value", 3
	const in, rank, out = 16, 2, 16
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		opt := plain
		opt.Optimizer, opt.LR, opt.Clip = "sgd", 1, 0
		part := rows(small(), 1, 4)
		adapted := newTrainer(t, b, startValues(), answers, withLoRA(opt, LoRA{Rank: rank, Alpha: scale * rank, Targets: []string{layer}}))
		onDevice := func(tr *Trainer, name string) []float32 {
			v := tr.vars.byName[name]
			data, err := host(v.value, v.shape)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		nameA, nameB := weights.AdapterNames(layer)
		step := func(tr *Trainer) {
			if _, err := tr.Step(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
		step(adapted) // B is not zero after it
		a, low := onDevice(adapted, nameA), onDevice(adapted, nameB)

		// The same model with the adapter in the weight, whose step is minus the gradient of the weight.
		merged := startValues()
		for _, p := range small().Params() {
			if err := merged.SetValues(p.Name, itemValues(t, adapted, p)); err != nil {
				t.Fatal(err)
			}
		}
		whole := newTrainer(t, b, merged, answers, opt)
		before := onDevice(whole, layer+".weight")
		step(whole)
		g := onDevice(whole, layer+".weight")
		for i := range g {
			g[i] = before[i] - g[i]
		}

		step(adapted)
		movedA, movedB := onDevice(adapted, nameA), onDevice(adapted, nameB)
		largest := 0.0
		check := func(what string, i int, before, after float32, gradient float64) {
			largest = max(largest, math.Abs(gradient))
			// What a step leaves of a difference of float32 numbers of size one or less, summed over 16.
			if got := float64(before) - float64(after); math.Abs(got-gradient) > 1e-5*(1+math.Abs(gradient)) {
				t.Errorf("the gradient of %s at %d is %g, expected %g", what, i, got, gradient)
			}
		}
		for i := range in {
			for k := range rank {
				sum := 0.0
				for j := range out {
					sum += scale * float64(g[i*out+j]) * float64(low[k*out+j])
				}
				check("A", i*rank+k, a[i*rank+k], movedA[i*rank+k], sum)
			}
		}
		for k := range rank {
			for j := range out {
				sum := 0.0
				for i := range in {
					sum += scale * float64(a[i*rank+k]) * float64(g[i*out+j])
				}
				check("B", k*out+j, low[k*out+j], movedB[k*out+j], sum)
			}
		}
		if largest < 1e-3 {
			t.Errorf("no gradient is above %g: nothing is shown", largest)
		}
	})
}

// itemValues are a parameter's as snapshots have it.
func itemValues(t *testing.T, tr *Trainer, p lxmert.Param) []float32 {
	t.Helper()
	for _, it := range tr.Items(func(name string) string { return name }) {
		if it.Name != p.Name {
			continue
		}
		var raw bytes.Buffer
		if err := it.Values(&raw); err != nil {
			t.Fatal(err)
		}
		values := make([]float32, lxmert.Size(p.Shape))
		if err := binary.Read(&raw, binary.LittleEndian, values); err != nil {
			t.Fatal(err)
		}
		return values
	}
	t.Fatalf("snapshots have no %s", p.Name)
	return nil
}

// TestMergedIsApplied: the model whose weights have the adapters added, as snapshots have them, gives what the adapters give beside
// the weights, but for rounding: sums in float32 of at most a few dozen terms, in eight layers one after the other.
func TestMergedIsApplied(t *testing.T) {
	b := backendtest.Open(t, "go")
	opt := withLoRA(withDropout(), everywhere)
	opt.LR = 5e-2
	tr := newTrainer(t, b, startValues(), answers, opt)
	for range 4 {
		for _, parts := range twoSteps() {
			if _, err := tr.Step(t.Context(), parts...); err != nil {
				t.Fatal(err)
			}
		}
	}
	part := rows(small(), 7, 4)
	_, applied, err := tr.Evaluate(t.Context(), part)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(e lxmert.Engine) []float32 {
		trace, err := e.Run(t.Context(), part.Batch, lxmert.Request{Want: lxmert.All("out.task")})
		if err != nil {
			t.Fatal(err)
		}
		return trace.Values["out.task"].Data
	}
	path := filepath.Join(t.TempDir(), "merged.pth")
	if err := weights.Save(path, small(), tr.Items(weights.TaskName), nil); err != nil {
		t.Fatal(err)
	}
	m, err := lxrt.Open(b, path, "", lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	live, saved := ask(tr.Model()), ask(m)
	if !slices.Equal(live, saved) {
		t.Errorf("validation computes %v, the snapshot %v", live, saved)
	}
	before := newTrainer(t, b, startValues(), answers, plain)
	plainly := ask(before.Model())
	moved := 0.0
	for i, want := range applied[0].([]float32) {
		if d := math.Abs(float64(saved[i] - want)); d > 1e-5*(1+math.Abs(float64(want))) {
			t.Errorf("logit %d is %g merged, %g applied", i, saved[i], want)
		}
		moved = max(moved, math.Abs(float64(plainly[i]-want)))
	}
	if moved < 0.1 {
		t.Errorf("the adapters change no logit by more than %g: nothing is shown", moved)
	}
	// After the next step the model is the next one.
	if _, err := tr.Step(t.Context(), twoSteps()[0]...); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(ask(tr.Model()), live) {
		t.Error("validation computes with the adapters of an earlier step")
	}
}

func TestAdaptersThatCannotBeAreErrors(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, c := range []struct {
		lora LoRA
		want string
	}{
		{LoRA{Rank: -1}, "must be at least 1"},
		{LoRA{Rank: 1, Alpha: -1}, "alpha of adapters is -1"},
		{LoRA{Rank: 1, Dropout: 1}, "below 1"},
		{LoRA{Rank: 17}, "take at most 16"},
		{LoRA{Rank: 1, Targets: []string{"logit_fc.0"}}, "no layer of the model's body is called"},
		{LoRA{Rank: 1, Targets: []string{"qurey"}}, "there are also the words query, key, value, output, ffn"},
	} {
		_, err := NewTrainer(t.Context(), b.Backend, small(), startValues(), answers, withLoRA(plain, c.lora))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %q", c.lora, err, c.want)
		}
	}
}

// TestARunWithAdaptersLeavesThemAndGoesOnToTheSameEnd: interrupted or not, its files are the same, and its adapters, added to the
// weights that it began with, are its snapshots bit by bit.
func TestARunWithAdaptersLeavesThemAndGoesOnToTheSameEnd(t *testing.T) {
	b := backendtest.Open(t, "go")
	dir := t.TempDir()
	base := filepath.Join(dir, "base.pth")
	source := newTrainer(t, b, startValues(), answers, plain)
	if err := weights.Save(base, small(), source.Items(weights.TaskName), nil); err != nil {
		t.Fatal(err)
	}
	run := func(ctx context.Context, dir string, progress func(Progress)) error {
		opt := withLoRA(withDropout(), LoRA{Rank: 2, Dropout: 0.2, Targets: []string{"query", "ffn"}})
		opt.PooledOnly = true
		tr, err := NewTrainer(ctx, b.Backend, small(), startValues(), answers, opt)
		if err != nil {
			return err
		}
		_, err = Run(ctx, tr, smallJob(small(), 4, 4), RunOptions{Dir: dir, LogSteps: 1, Resume: true, Progress: progress})
		return errors.Join(err, tr.Close())
	}
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	if err := run(t.Context(), whole, nil); err != nil {
		t.Fatal(err)
	}
	for epoch := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		if err := run(ctx, parts, func(p Progress) {
			if p.Step == 3 && p.Epoch == epoch {
				cancel()
			}
		}); !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
		cancel()
	}
	if err := run(t.Context(), parts, nil); err != nil {
		t.Fatal(err)
	}
	compareEnds(t, ended(t, parts), ended(t, whole))
	for _, snapshot := range []string{BestFile, LastFile} {
		name := adaptersFile(snapshot)
		if readFile(t, filepath.Join(parts, name)) != readFile(t, filepath.Join(whole, name)) {
			t.Errorf("%s differs after interruptions", name)
		}
		a, err := weights.OpenAdapters(filepath.Join(whole, name))
		if err != nil {
			t.Fatal(err)
		}
		m, err := weights.OpenModel(base, "")
		if err != nil {
			t.Fatal(err)
		}
		items, err := a.Merge(m, "")
		if err != nil {
			t.Fatal(err)
		}
		merged := filepath.Join(dir, snapshot)
		if err := errors.Join(weights.Save(merged, a.Config, items, nil), a.Close(), m.Close()); err != nil {
			t.Fatal(err)
		}
		if readFile(t, merged) != readFile(t, filepath.Join(whole, snapshot)) {
			t.Errorf("%s, added to what the run began with, is not %s", name, snapshot)
		}
	}
	if _, err := smallRun(t.Context(), b, smallJob(small(), 1), RunOptions{Dir: whole, Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(whole, adaptersFile(LastFile))) {
		t.Error("a run without adapters leaves those of the one that it overwrites")
	}
}

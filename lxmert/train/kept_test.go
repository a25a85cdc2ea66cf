package train

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// apart is a part whose pictures are kept: the same without regions.
func apart(p Part) Part {
	b := *p.Batch
	n, f := b.Feats.Shape[0], b.Feats.Shape[2]
	b.Feats, b.Boxes, b.RegionMask, b.Images = lxmert.NewTensor(n, 0, f), lxmert.NewTensor(n, 0, 4), nil, nil
	p.Batch = &b
	return p
}

// keep has a trainer keep the pictures of parts, last ones first, and gives them their numbers.
func keep(t *testing.T, tr *Trainer, parts []Part) (kept []Part) {
	t.Helper()
	regions, count := parts[0].Batch.V(), 0
	type place struct{ part, row int }
	var places []place
	for i, p := range parts {
		n := p.Batch.Feats.Shape[0]
		count += n
		k := apart(p)
		for row := range n {
			k.Pictures = append(k.Pictures, int32(len(places)))
			places = append(places, place{i, row})
		}
		kept = append(kept, k)
	}
	for _, k := range kept {
		for i, p := range k.Pictures {
			k.Pictures[i] = int32(count-1) - p
		}
	}
	err := tr.Keep(t.Context(), count, regions, func(_ context.Context, first int, feats, boxes []float32) error {
		n := len(boxes) / (4 * regions)
		for i := range n {
			at := places[count-1-first-i]
			b := parts[at.part].Batch
			copy(feats[i*len(feats)/n:], b.Feats.Row(at.row).Data)
			copy(boxes[i*len(boxes)/n:], b.Boxes.Row(at.row).Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// unmasked makes a part whose pictures have all their regions.
func unmasked(cfg lxmert.Config, seed, n int) Part {
	p := rows(cfg, seed, n)
	p.Batch.RegionMask = nil
	return p
}

func TestStepsWithKeptPicturesGiveTheSameBits(t *testing.T) {
	cfg := small()
	for _, c := range []struct {
		spec    string
		devices int
		half    bool
	}{{"cpu", 1, false}, {"cpu", 1, true}, {"cpu,devices=2", 2, false}} {
		t.Run(fmt.Sprintf("%s/bfloat16=%v", c.spec, c.half), func(t *testing.T) {
			b := backendtest.Open(t, c.spec)
			opt := withDropout()
			opt.BFloat16, opt.Devices = c.half, c.devices
			parts := []Part{unmasked(cfg, 1, 4), unmasked(cfg, 2, 4), unmasked(cfg, 3, 4)}
			told := map[bool]string{}
			for _, keeps := range []bool{false, true} {
				tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, opt)
				tr.onGPU = true
				mine := parts
				if keeps {
					mine = keep(t, tr, parts)
				}
				for _, step := range [][]Part{mine[:1], mine[1:]} {
					r, err := tr.Step(t.Context(), step...)
					if err != nil {
						t.Fatal(err)
					}
					told[keeps] += fmt.Sprintln(r.Loss, r.Norm, r.Outputs)
				}
				loss, outputs, err := tr.Evaluate(t.Context(), mine[1])
				if err != nil {
					t.Fatal(err)
				}
				told[keeps] += fmt.Sprintln(loss, outputs)
				for _, p := range cfg.Params() {
					told[keeps] += fmt.Sprintln(p.Name, tr.values(t, p.Name, -1))
				}
			}
			if told[true] != told[false] {
				t.Error("pictures that are kept make another step than those that are sent")
			}
		})
	}
}

// TestMorePicturesThanAreSentAtOnceAreKept has features so wide that a few pictures are sent at once, and a rest.
func TestMorePicturesThanAreSentAtOnceAreKept(t *testing.T) {
	cfg := small()
	cfg.FeatDim = 1 << 20
	tr := newTrainer(t, backendtest.Open(t, "cpu"), &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, plain)
	tr.onGPU = true
	const count, regions = 19, 2
	var sent []int
	err := tr.Keep(t.Context(), count, regions, func(_ context.Context, first int, feats, boxes []float32) error {
		n := len(boxes) / (4 * regions)
		sent = append(sent, first)
		for i := range n {
			for k := range regions {
				feats[(i*regions+k)*cfg.FeatDim] = float32(10*(first+i) + k)
				boxes[(i*regions+k)*4+3] = float32(first + i)
			}
		}
		return nil
	})
	if err != nil || len(sent) != 3 || sent[2] >= count-1 {
		t.Fatalf("pictures were sent from %v on: %v", sent, err)
	}
	feats, boxes := make([]float32, count*regions*cfg.FeatDim), make([]float32, count*regions*4)
	if err := errors.Join(tr.kept.arrays[featsArray][0].ToFlatData(feats), tr.kept.arrays[boxesArray][0].ToFlatData(boxes)); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		for k := range regions {
			if f, b := feats[(i*regions+k)*cfg.FeatDim], boxes[(i*regions+k)*4+3]; f != float32(10*i+k) || b != float32(i) {
				t.Fatalf("picture %d, region %d has %g and %g", i, k, f, b)
			}
		}
	}
}

func TestWhatCannotBeKeptIsAnError(t *testing.T) {
	cfg := small()
	b := backendtest.Open(t, "cpu")
	tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, plain)
	part := unmasked(cfg, 1, 4)
	lost := errors.New("the disk is gone")
	read := func(err error) func(context.Context, int, []float32, []float32) error {
		return func(context.Context, int, []float32, []float32) error { return err }
	}
	fails := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	fails("a CPU", tr.Keep(t.Context(), 2, 5, read(nil)), "GPUs only")
	tr.onGPU = true
	bad := apart(part)
	bad.Pictures = []int32{0, 1, 1, 0}
	step := func(p Part) error {
		_, err := tr.Step(t.Context(), p)
		return err
	}
	fails("no pictures", step(bad), "kept nowhere")
	fails("a file", tr.Keep(t.Context(), 2, 5, read(lost)), "the disk is gone")
	fails("nothing", tr.Keep(t.Context(), 0, 5, read(nil)), "cannot be kept")
	if err := tr.Keep(t.Context(), 2, 5, read(nil)); err != nil {
		t.Fatal(err)
	}
	fails("twice", tr.Keep(t.Context(), 2, 5, read(nil)), "already")
	if err := step(bad); err != nil {
		t.Error(err)
	}
	bad.Pictures = []int32{0, 1, 2, 0}
	fails("a picture", step(bad), "no picture 2, 2 are kept")
	bad.Pictures = bad.Pictures[:3]
	fails("few pictures", step(bad), "3 pictures for a batch of 4")
	part.Pictures = []int32{0, 1, 0, 1}
	fails("two pictures", step(part), "5 regions")
}

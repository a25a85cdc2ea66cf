package train

import (
	"fmt"
	"reflect"
	"slices"
	"time"
	"unsafe"
)

// This file sends what a step reads to a GPU while the step before it is computed. The order in which things are asked for decides
// that: XLA's client for GPUs has an upload wait for all that the device has been asked to compute by then, because only after that
// is the memory that it goes to sure to be free (kComputeSynchronized in pjrt/local_device_state.h). Asked for after the programs of
// a step, the upload for the next one would begin when the step is over. So it is asked for before them, and travels beside them.

// maxSent is how many parts may be on their way: the first of a step that is about to begin and of the one after, or the next part of
// one and the first of the other.
const maxSent = 2

// incoming is a part of a step, and the program that takes it in.
type incoming struct {
	*stepInputs
	g         *gradientProgram
	compiling time.Duration // for it, before its step began
}

// incoming makes ready what the host has to for a part.
func (t *Trainer) incoming(parts []Part, number int) (*incoming, error) {
	part := parts[number]
	fed, err := t.feed(part)
	if err != nil {
		return nil, err
	}
	g, err := t.gradient(fed, part, number > 0)
	if err != nil {
		return nil, err
	}
	return &incoming{stepInputs: &stepInputs{trainer: t, fed: fed, part: part, number: number, parts: len(parts)}, g: g}, nil
}

// Send begins to send the first of a step's parts to a GPU. It is to be called before [Trainer.Begin] of the step before, and the
// parts, and their batches, are to stay as they are until they are given to Begin, which says what is wrong with them. Where it is not
// called Begin does it all. Elsewhere nothing needs to be sent.
func (t *Trainer) Send(parts ...Part) {
	if len(parts) > 0 && t.checkParts(parts) == nil {
		t.sendAhead(parts, 0)
	}
}

// sendAhead uploads what comes with a part. Where that fails, for want of memory for instance, it is done again, and the error told,
// when the part's turn comes.
func (t *Trainer) sendAhead(parts []Part, number int) {
	if !t.onGPU {
		return
	}
	before := t.compiling
	in, err := t.incoming(parts, number)
	if err != nil {
		return
	}
	if in.send(in.g) != nil {
		in.free()
		return
	}
	in.compiling = t.compiling - before
	if t.sent = append(t.sent, in); len(t.sent) > maxSent { // a step did not come
		t.sent[0].free()
		t.sent = slices.Delete(t.sent, 0, 1)
	}
}

// arriving is a part of a step whose turn has come, and how long something was compiled for it before the step began.
func (t *Trainer) arriving(parts []Part, number int) (in *incoming, compiling time.Duration, err error) {
	i := slices.IndexFunc(t.sent, func(in *incoming) bool {
		return in.part.is(parts[number]) && in.number == number && in.parts == len(parts)
	})
	if i < 0 {
		in, err = t.incoming(parts, number)
		return in, 0, err
	}
	in = t.sent[i]
	t.sent = slices.Delete(t.sent, i, i+1)
	if number == 0 {
		compiling = in.compiling
	}
	return in, compiling, nil
}

// is says whether two parts are the same one. One batch may come with other labels, or other pictures, each time.
func (p Part) is(other Part) bool {
	labels := func(p Part) unsafe.Pointer { return reflect.ValueOf(p.Labels).UnsafePointer() }
	return p.Batch == other.Batch && labels(p) == labels(other) &&
		len(p.Pictures) == len(other.Pictures) && unsafe.SliceData(p.Pictures) == unsafe.SliceData(other.Pictures)
}

// forgetSent gives up what is on its way.
func (t *Trainer) forgetSent() {
	for _, in := range t.sent {
		in.free()
	}
	t.sent = nil
}

// checkParts says whether parts can be those of a step.
func (t *Trainer) checkParts(parts []Part) error {
	for _, part := range parts {
		if n := part.Batch.Rows(); n%t.opt.Devices != 0 {
			return fmt.Errorf("train: %d rows cannot be shared by %d devices", n, t.opt.Devices)
		} else if n != parts[0].Batch.Rows() {
			return fmt.Errorf("train: the parts of a step have %d and %d rows, must have equal numbers", parts[0].Batch.Rows(), n)
		}
	}
	return nil
}

// foreseen are the steps of a run, of which the next one can be seen before it is taken.
type foreseen struct {
	next  func() ([]Part, error)
	seen  bool
	parts []Part
	err   error
}

// peek are the next step's parts, or nil where there is none.
func (f *foreseen) peek() []Part {
	if !f.seen {
		f.parts, f.err = f.next()
		f.seen = true
	}
	return f.parts
}

func (f *foreseen) take() ([]Part, error) {
	parts, err := f.peek(), f.err
	f.seen, f.parts, f.err = false, nil, nil
	return parts, err
}

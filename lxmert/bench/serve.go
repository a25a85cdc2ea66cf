package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
)

// job is what one of our processes does: one of these.
type job struct {
	Forward   *Spec          `json:"forward,omitempty"`
	Train     *trainSpec     `json:"train,omitempty"`
	Explain   *explainSpec   `json:"explain,omitempty"`
	Patch     *patchSpec     `json:"patch,omitempty"`
	Embed     *embedSpec     `json:"embed,omitempty"`
	Data      *dataSpec      `json:"data,omitempty"`
	Tokenizer *tokenizerSpec `json:"tokenizer,omitempty"`
	Golden    *goldenSpec    `json:"golden,omitempty"`
	Take      *takeSpec      `json:"take,omitempty"`
	Ahead     *aheadSpec     `json:"ahead,omitempty"`
}

// Serve is the measured process. text is the last argument of its command line, which whoever measures adds to
// [Runs].Self. It prints what was measured, and before that, where it matters, when the first output is there.
func Serve(ctx context.Context, text string, out, log io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("what to measure is not readable: %w", err)
	}
	var printErr error
	result, err := j.do(ctx, func() { _, printErr = fmt.Fprintln(out, process.FirstLine) }, log)
	if err != nil {
		return err
	}
	if printErr != nil {
		return printErr
	}
	return json.NewEncoder(out).Encode(result)
}

// do does the job; first is called when the first output is there.
func (j job) do(ctx context.Context, first func(), log io.Writer) (any, error) {
	switch {
	case j.Forward != nil:
		return Measure(ctx, *j.Forward, first, log)
	case j.Train != nil:
		return j.Train.measure(ctx, log)
	case j.Explain != nil:
		return j.Explain.measure(ctx, log)
	case j.Patch != nil:
		return j.Patch.measure(ctx, log)
	case j.Embed != nil:
		return j.Embed.measure(ctx, log)
	case j.Golden != nil:
		return j.Golden.measure(ctx, log)
	case j.Take != nil:
		return j.Take.take(ctx)
	case j.Ahead != nil:
		return j.Ahead.compile()
	case j.Data != nil:
		return j.Data.measure(ctx)
	case j.Tokenizer != nil:
		return j.Tokenizer.measure(ctx)
	}
	return nil, errors.New("there is nothing to measure")
}

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Serve is the measured process: it reads a [Spec] from its last argument, calls [Measure], and prints when the first
// output is there and then the [Result].
func Serve(ctx context.Context, spec string, out, log io.Writer) error {
	var s Spec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		return fmt.Errorf("what to measure is not readable: %w", err)
	}
	var printErr error
	r, err := Measure(ctx, s, func() { _, printErr = fmt.Fprintln(out, firstLine) }, log)
	if err != nil {
		return err
	}
	if printErr != nil {
		return printErr
	}
	return json.NewEncoder(out).Encode(r)
}

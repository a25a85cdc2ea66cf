package tuning

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// Metrics are what a training run has written about its steps and epochs. The zero value is a run that has not begun.
type Metrics struct {
	Steps  []float64 // of training, counted from 1, for which a loss was written
	Losses []float64 // of these; NaN where one was not a number
	Epochs []Epoch
}

// Epoch is what came out of an epoch. What a run does not measure is NaN.
type Epoch struct {
	Number       int     // from 0
	Step         float64 // the last for which a loss was written
	Train, Valid float64 // scores, 0 to 1; of pre-training losses
	Loss         float64 // mean over the epoch's steps for which one was written
}

// Add takes in a line of metrics.jsonl. Lines of other kinds, and broken ones, are left out.
func (m *Metrics) Add(line []byte) {
	var x struct {
		Step, Epoch  *float64
		Loss         any
		Train, Valid any
	}
	if json.Unmarshal(line, &x) != nil {
		return
	}
	number := func(v any) float64 {
		f, ok := numberOf(v)
		if !ok || math.IsInf(f, 0) {
			return math.NaN() // it is missing
		}
		return f
	}
	switch {
	case x.Step != nil && x.Loss != nil:
		m.Steps, m.Losses = append(m.Steps, *x.Step), append(m.Losses, number(x.Loss))
	case x.Step == nil && x.Epoch != nil && (x.Train != nil || x.Valid != nil):
		e := Epoch{Number: int(*x.Epoch), Step: math.NaN(), Train: number(x.Train), Valid: number(x.Valid), Loss: math.NaN()}
		if n := len(m.Steps); n > 0 {
			e.Step = m.Steps[n-1]
		}
		from := math.Inf(-1)
		if n := len(m.Epochs); n > 0 {
			from = m.Epochs[n-1].Step
		}
		e.Loss = meanBetween(m.Steps, m.Losses, from, e.Step)
		m.Epochs = append(m.Epochs, e)
	}
}

// meanBetween is the mean of the values whose steps are above from and at most to; NaN if there is none.
func meanBetween(steps, values []float64, from, to float64) float64 {
	sum, n := 0.0, 0
	for i, x := range steps {
		if x > from && x <= to {
			sum, n = sum+values[i], n+1
		}
	}
	return sum / float64(n)
}

// ReadMetrics reads a run's metrics.jsonl. A file that is not there yet is a run that has not begun.
func ReadMetrics(path string) (m Metrics, err error) {
	err = eachLine(path, func(line []byte) error {
		m.Add(line)
		return nil
	})
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return m, err
}

// eachLine hands over the whole lines of a metrics.jsonl.
func eachLine(path string, do func(line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case err == nil:
			if err := do(line); err != nil {
				return err
			}
		case errors.Is(err, io.EOF): // a line that is being written is left for the next time
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("%s has a line of more than %d bytes, so it is not the metrics of a run", path, r.Size())
		default:
			return err
		}
	}
}

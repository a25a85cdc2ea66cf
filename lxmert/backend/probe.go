package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

const (
	// probeEnv holds the path of the plugin that a child process is to try.
	probeEnv = "LXMERT_PROBE_PLUGIN"
	// probeMark starts the line of a child's output that is its answer; plugins print lines of their own.
	probeMark = "lxmert-probe:"
)

// answersProbes says that this program calls [MaybeProbe], so that starting it again as a child is a probe and not a
// second run of whatever the program does.
var answersProbes atomic.Bool

// probeResult is what a child says about a plugin.
type probeResult struct {
	Err     string   `json:"err,omitempty"` // "": the plugin works
	API     string   `json:"api,omitempty"`
	Devices []string `json:"devices,omitempty"`
}

// MaybeProbe lets [Open] and [List] try plugins in a child process, and is what the child does: where the environment
// asks for it, MaybeProbe loads the plugin named there, computes a small product, prints the outcome, and exits. Otherwise
// it returns at once. Call it first in main, and in TestMain of tests that open a backend.
func MaybeProbe() {
	answersProbes.Store(true)
	path := os.Getenv(probeEnv)
	if path == "" {
		return
	}
	line, err := json.Marshal(tryPlugin(path))
	if err != nil {
		line = []byte(`{"err":"the outcome cannot be written as JSON"}`)
	}
	fmt.Printf("\n%s%s\n", probeMark, line)
	os.Exit(0)
}

// tryPlugin loads a plugin and computes with it.
func tryPlugin(path string) probeResult {
	kind := kindOfFile(path)
	l, err := loadXLA(path, kind, request{}.pluginOptions(kind))
	if err != nil {
		return probeResult{Err: oneLine(err.Error())}
	}
	if err := multiply(l.backend); err != nil {
		return probeResult{Err: "it does not compute: " + oneLine(err.Error())}
	}
	return probeResult{API: l.api, Devices: l.devices}
}

// multiply checks [[1 2] [3 4]] x [[5 6] [7 8]] on a backend.
func multiply(b compute.Backend) error {
	builder := b.Builder("probe")
	main := builder.Main()
	const side = 20 // large enough for the product that takes the place of XLA's
	shape := shapes.Make(dtypes.Float32, side, side)
	x, err1 := main.Parameter("x", shape, nil)
	y, err2 := main.Parameter("y", shape, nil)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	product, err := main.DotGeneral(x, []int{1}, nil, y, []int{0}, nil, compute.DotGeneralConfig{})
	if err != nil {
		return err
	}
	if err := main.Return([]compute.Value{product}, nil); err != nil {
		return err
	}
	program, err := builder.Compile()
	if err != nil {
		return err
	}
	defer program.Finalize()
	// Whole numbers, whose products and sums are exact.
	left, right := make([]float32, side*side), make([]float32, side*side)
	for i := range left {
		left[i], right[i] = float32(i%7), float32(i%5)
	}
	xs, err1 := b.BufferFromFlatData(0, left, shape)
	ys, err2 := b.BufferFromFlatData(0, right, shape)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	out, err := program.Execute([]compute.Buffer{xs, ys}, nil, 0)
	if err != nil {
		return err
	}
	got := make([]float32, side*side)
	if err := out[0].ToFlatData(got); err != nil {
		return err
	}
	for i, x := range got {
		var want float32
		for k := range side {
			want += left[i/side*side+k] * right[k*side+i%side]
		}
		if math.Abs(float64(x-want)) > 1e-3*float64(want) {
			return fmt.Errorf("a product of two matrices gave %v in place of %v", x, want)
		}
	}
	return nil
}

// probeChild runs this program again to try a plugin, and turns whatever becomes of it into a result.
func probeChild(ctx context.Context, path string, limit time.Duration) probeResult {
	exe, err := os.Executable()
	if err != nil {
		return probeResult{Err: "cannot be tried: " + err.Error()}
	}
	childCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(childCtx, exe)
	cmd.Env = append(os.Environ(), probeEnv+"="+path, "GOTRACEBACK=none")
	cmd.WaitDelay = 2 * time.Second
	stdout, stderr := &tail{limit: 1 << 20}, &tail{limit: 1 << 16}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return probeResult{Err: "not tried to the end: " + ctx.Err().Error()}
	}
	if childCtx.Err() != nil {
		return probeResult{Err: fmt.Sprintf("hangs: no answer within %v", limit)}
	}
	if r, ok := readProbe(stdout.Bytes()); ok && err == nil {
		return r
	}
	return probeResult{Err: describeCrash(err, stderr.String())}
}

// readProbe finds the answer in a child's output.
func readProbe(out []byte) (r probeResult, ok bool) {
	at := bytes.LastIndex(out, []byte("\n"+probeMark))
	if at < 0 {
		return r, false
	}
	line, _, _ := bytes.Cut(out[at+1+len(probeMark):], []byte("\n"))
	if json.Unmarshal(line, &r) != nil || r.Err == "" && len(r.Devices) == 0 {
		return probeResult{}, false
	}
	return r, true
}

// describeCrash says how a child ended that gave no answer.
func describeCrash(err error, stderr string) string {
	how := "ends the process that loads it"
	for _, s := range []struct{ sign, how string }{
		{"SIGSEGV", "crashes (segmentation fault)"}, {"SIGABRT", "crashes (abort)"}, {"SIGBUS", "crashes (bus error)"},
		{"SIGILL", "crashes (an instruction this processor does not have)"}, {"SIGFPE", "crashes (arithmetic)"},
		{"signal: killed", "was killed (out of memory?)"},
	} {
		if strings.Contains(stderr, s.sign) || err != nil && strings.Contains(err.Error(), s.sign) {
			how = s.how
			break
		}
	}
	if err == nil {
		how += " without an answer"
	} else if how[0] == 'e' {
		how += ": " + err.Error()
	}
	// The plugin's own last words come before the Go runtime's report.
	words, _, _ := strings.Cut(stderr, "SIG")
	lines := strings.Split(strings.TrimSpace(words), "\n")
	last := oneLine(strings.TrimSuffix(strings.TrimSpace(lines[len(lines)-1]), "fatal error: unexpected signal"))
	if last != "" && last != "[signal" && !strings.HasPrefix(last, "fatal error") {
		how += ", saying: " + last
	}
	return how
}

// tail keeps the last bytes written to it.
type tail struct {
	bytes.Buffer
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.Buffer.Write(p)
	if extra := t.Len() - t.limit; extra > 0 {
		t.Next(extra)
	}
	return len(p), nil
}

// Package process runs other programs that answer with one JSON object, such as scripts of ours in a Python of the user's, and
// says in one line what went wrong.
package process

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// FirstLine is what a process prints when its first output is there, if that is timed.
const FirstLine = "first output"

// Program is a process that prints one JSON object.
type Program struct {
	Who       string // for errors
	Argv, Env []string
	// Lines that it writes to stderr and that begin with Notes ("": none) go to Log.
	Notes string
	Log   io.Writer
}

// Run starts the process and reads what it prints into result; nil: what it prints does not matter. first is when its first
// output was there, 0 if it did not say so.
func (p Program) Run(ctx context.Context, result any) (first time.Duration, err error) {
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...)
	cmd.Env = p.Env
	stderr := &lastLine{notes: p.Notes, log: p.Log}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("%s does not start: %w", p.Who, err)
	}
	var answer bytes.Buffer
	in := bufio.NewReader(out)
	var readErr error
	for readErr == nil {
		var line string
		line, readErr = in.ReadString('\n')
		if strings.TrimSpace(line) == FirstLine {
			first = time.Since(start)
			continue
		}
		answer.WriteString(line)
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil && strings.HasPrefix(err.Error(), "signal: killed"):
		return 0, fmt.Errorf("%s was killed by the system: perhaps there is not enough memory", p.Who)
	case err != nil:
		var exit *exec.ExitError
		if errors.As(err, &exit) && stderr.String() != "" {
			return 0, fmt.Errorf("%s: %s", p.Who, stderr)
		}
		return 0, fmt.Errorf("%s: %w", p.Who, err)
	case readErr != io.EOF:
		return 0, fmt.Errorf("%s: %w", p.Who, readErr)
	}
	if result == nil {
		return first, nil
	}
	if err := json.Unmarshal(answer.Bytes(), result); err != nil {
		return 0, fmt.Errorf("%s answered with no measurement", p.Who)
	}
	return first, nil
}

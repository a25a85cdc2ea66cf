package bench

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

// firstLine is what a measured process prints when its first output is there. The rest of what it prints is a [Result].
const firstLine = "first output"

// runProcess runs a measured process. Lines that it writes to stderr and that begin with notes ("": none) also go to log.
func runProcess(ctx context.Context, who string, argv, env []string, notes string, log io.Writer) (*Result, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	stderr := &lastLine{notes: notes, log: log}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", who, err)
	}
	var total time.Duration
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		if strings.TrimSpace(line) == firstLine {
			total = time.Since(start)
		}
		if err != nil || total > 0 {
			break
		}
	}
	rest, readErr := io.ReadAll(in)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && strings.HasPrefix(err.Error(), "signal: killed"):
		return nil, fmt.Errorf("%s was killed by the system: perhaps there is not enough memory for the largest batch", who)
	case err != nil:
		var exit *exec.ExitError
		if errors.As(err, &exit) && stderr.String() != "" {
			return nil, fmt.Errorf("%s: %s", who, stderr)
		}
		return nil, fmt.Errorf("%s: %w", who, err)
	case readErr != nil:
		return nil, fmt.Errorf("%s: %w", who, readErr)
	}
	var r Result
	if err := json.Unmarshal(rest, &r); err != nil || total == 0 {
		return nil, fmt.Errorf("%s answered with no measurement", who)
	}
	o := &r.Opening
	o.TotalS = total.Seconds()
	o.StartS = max(0, o.TotalS-o.LibraryS-o.LoadS-o.CompileS-o.ForwardS)
	return &r, nil
}

// lastLine keeps the last line written to it and passes on those that begin with notes.
type lastLine struct {
	notes string
	log   io.Writer
	part  []byte
	last  string
}

func (l *lastLine) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.part = rest
		l.line(string(line))
	}
}

func (l *lastLine) line(s string) {
	if strings.TrimSpace(s) == "" {
		return
	}
	l.last = strings.TrimSpace(s)
	if l.notes != "" && strings.HasPrefix(s, l.notes) {
		fmt.Fprintln(l.log, s)
	}
}

func (l *lastLine) String() string {
	l.line(string(l.part))
	l.part = nil
	return strings.TrimPrefix(l.last, "lxmert: ")
}

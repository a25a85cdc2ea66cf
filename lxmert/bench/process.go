package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// firstLine is what a measured process prints when its first output is there, if that is timed.
const firstLine = "first output"

// program is a measured process: it prints one JSON object.
type program struct {
	who       string // for errors
	argv, env []string
	// Lines that it writes to stderr and that begin with notes ("": none) go to log.
	notes string
	log   io.Writer
}

// run starts the process and reads what it prints into result. first is when its first output was there, 0 if it did not
// say so.
func (p program) run(ctx context.Context, result any) (first time.Duration, err error) {
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Env = p.env
	stderr := &lastLine{notes: p.notes, log: p.log}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("%s does not start: %w", p.who, err)
	}
	var answer bytes.Buffer
	in := bufio.NewReader(out)
	var readErr error
	for readErr == nil {
		var line string
		line, readErr = in.ReadString('\n')
		if strings.TrimSpace(line) == firstLine {
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
		return 0, fmt.Errorf("%s was killed by the system: perhaps there is not enough memory", p.who)
	case err != nil:
		var exit *exec.ExitError
		if errors.As(err, &exit) && stderr.String() != "" {
			return 0, fmt.Errorf("%s: %s", p.who, stderr)
		}
		return 0, fmt.Errorf("%s: %w", p.who, err)
	case readErr != io.EOF:
		return 0, fmt.Errorf("%s: %w", p.who, readErr)
	}
	if err := json.Unmarshal(answer.Bytes(), result); err != nil {
		return 0, fmt.Errorf("%s answered with no measurement", p.who)
	}
	return first, nil
}

// ours is the process that does a job. The first one says which backend it has.
func (r Runs) ours(j job, isFirst bool) (program, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return program{}, err
	}
	p := program{who: "golxmert", argv: append(slices.Clone(r.Self), string(text)), env: os.Environ(), log: r.Log}
	if r.programs != "" {
		p.env = append(p.env, "GOLXMERT_PROGRAMS="+r.programs)
	}
	if isFirst {
		p.notes = "backend: "
	}
	return p, nil
}

// lastLine keeps the last line written to it, or how Go's runtime says why it gives up, which a stack trace follows. It
// passes on lines that begin with notes.
type lastLine struct {
	notes       string
	log         io.Writer
	part        []byte
	last, crash string
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
	if l.crash == "" && (strings.HasPrefix(s, "panic: ") || strings.HasPrefix(s, "fatal error: ")) {
		l.crash = l.last
	}
	if l.notes != "" && strings.HasPrefix(s, l.notes) {
		fmt.Fprintln(l.log, s)
	}
}

func (l *lastLine) String() string {
	l.line(string(l.part))
	l.part = nil
	if l.crash != "" {
		return l.crash
	}
	return strings.TrimPrefix(l.last, "lxmert: ")
}

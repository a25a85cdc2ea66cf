package bench

import (
	"context"
	"encoding/json"
	"os"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
)

// findPeer is [process.FindPython] of the Python that --peer names.
func findPeer(ctx context.Context, python, dir string, s process.Script, about any) (process.Python, error) {
	p, err := process.FindPython(ctx, "--peer", python, dir, s, about)
	return p, spaceHint(err)
}

// ours is the process that does a job. The first one says which backend it has.
func (r Runs) ours(j job, isFirst bool) (process.Program, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return process.Program{}, err
	}
	p := process.Program{Who: "golxmert", Argv: append(slices.Clone(r.Self), string(text)), Env: os.Environ(), Log: r.Log}
	if r.programs != "" {
		p.Env = append(p.Env, "GOLXMERT_PROGRAMS="+r.programs)
	}
	if isFirst {
		p.Notes = "backend: "
	}
	return p, nil
}

package backend

import (
	"context"
	"fmt"
	"path/filepath"
)

// Candidate is a backend that [Open] could take.
type Candidate struct {
	Kind       Kind     `json:"kind"`
	Path       string   `json:"path,omitempty"`        // of the plugin; "" for the Go backend
	APIVersion string   `json:"api_version,omitempty"` // such as "0.81"
	Devices    []string `json:"devices,omitempty"`
	Loads      bool     `json:"loads"`
	Err        string   `json:"err,omitempty"`  // why it does not load
	Chosen     bool     `json:"chosen"`         // Open takes this one
	Why        string   `json:"why"`            // which rule found it
	Note       string   `json:"note,omitempty"` // which parts of package speed this program uses on it, and why not others
}

// List finds every backend of this machine and tries each plugin in a child process (see [MaybeProbe]; programs that do
// not call it learn no more than whether the file looks right). Chosen marks the one that [Open] takes for spec, if any
// would do. The error is spec's, wrapping [ErrSpec]; the list is complete nevertheless.
func List(ctx context.Context, spec string) ([]Candidate, error) {
	return thisMachine().list(ctx, spec)
}

func (m *machine) list(ctx context.Context, spec string) ([]Candidate, error) {
	r, specErr := m.request(spec)
	hasGPU, gpu := m.findGPU(ctx)

	var found []candidate
	if m.canXLA {
		places := m.places()
		found = append(m.search(KindCUDA, places), m.search(KindCPU, places)...)
	}
	if r.path != "" && !containsPath(found, r.path) {
		found = append(found, candidate{kind: r.kind, path: r.path, where: "not found by searching"})
	}

	var list []Candidate
	for _, c := range found {
		if ctx.Err() != nil {
			break
		}
		entry := Candidate{Kind: c.kind, Path: c.path, Why: c.where}
		if c.kind == KindCUDA && !hasGPU && r.path != c.path {
			entry.Err = "not tried: no NVIDIA GPU (" + gpu + ")"
		} else {
			result := m.probeRemembered(ctx, c.path)
			entry.APIVersion, entry.Devices, entry.Err, entry.Loads = result.API, result.Devices, result.Err, result.Err == ""
			if c.kind == KindCPU && entry.Loads {
				entry.Note = newSpeedups().note()
			}
		}
		list = append(list, entry)
	}
	list = append(list, Candidate{Kind: KindGo, Loads: true, Why: "always there", Devices: []string{"this processor"}})

	if specErr != nil {
		return list, specErr
	}
	for i := range list {
		if why := m.takes(r, list[i]); why != "" {
			list[i].Chosen = true
			list[i].Why += "; " + why
			break
		}
	}
	return list, nil
}

// takes says why a request would take an entry of the list, given that it took none before it; "": it would not.
func (m *machine) takes(r request, c Candidate) string {
	asked := "asked for"
	if r.from != `backend ""` {
		asked += " by " + r.from
	}
	switch {
	case r.path != "":
		if c.Path == r.path {
			return asked
		}
	case !c.Loads:
	case r.kind == KindAuto && c.Kind == KindGo:
		return "taken because no XLA plugin works"
	case r.kind == KindAuto:
		return fmt.Sprintf("taken as the first %s plugin that works", c.Kind)
	case r.kind == c.Kind, r.kind == KindXLA && c.Kind != KindGo:
		return asked
	}
	return ""
}

func containsPath(found []candidate, path string) bool {
	for _, c := range found {
		if c.path == path || filepath.Clean(c.path) == filepath.Clean(path) {
			return true
		}
	}
	return false
}

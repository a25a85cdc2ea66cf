package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// TestMagicsTalkToTheSession runs the commands of cells against the installed session and the toy world's model.
func TestMagicsTalkToTheSession(t *testing.T) {
	place, _ := installation(t)
	list := magics(place.Program("kernel"))
	for _, step := range []struct {
		name   string
		args   []string
		says   []string // all of these
		failed string   // or this error
	}{
		{"open", []string{"toy"}, []string{"is open: ", "cross-modality layers", "MB"}, ""},
		{"open", nil, nil, "name one file of weights, or toy"},
		{"open", []string{"no-such-weights"}, nil, "no-such-weights"},
		{"status", nil, []string{"session ", "model ", "MB"}, ""},
		{"ls", nil, []string{"\n"}, ""},
		{"stop", []string{"no-such-run"}, nil, "no-such-run"},
		{"stop", nil, nil, "run"},
	} {
		at := slices.IndexFunc(list, func(m proxy.Magic) bool { return m.Name == step.name })
		var out strings.Builder
		err := list[at].Run(t.Context(), &out, step.args)
		switch {
		case step.failed == "" && err != nil:
			t.Errorf("%%lx %s %q: %v", step.name, step.args, err)
		case step.failed != "" && (err == nil || !strings.Contains(err.Error(), step.failed) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%%lx %s %q: error %v, expected one line with %q", step.name, step.args, err, step.failed)
		}
		for _, want := range step.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%%lx %s %q writes %q, without %q", step.name, step.args, out.String(), want)
			}
		}
	}
}

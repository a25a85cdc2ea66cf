package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

func TestXLAForTheGPUComesBeforeThatForTheProcessor(t *testing.T) {
	var (
		cpu     = backend.Candidate{Kind: backend.KindCPU, Path: "/cpu.so", Loads: true}
		cuda    = backend.Candidate{Kind: backend.KindCUDA, Path: "/cuda.so", Loads: true}
		broken  = backend.Candidate{Kind: backend.KindCUDA, Path: "/cuda.so", Err: "crashes"}
		slow    = backend.Candidate{Kind: backend.KindGo, Loads: true}
		full    = fmt.Errorf("unpacking: %w", syscall.ENOSPC)
		pipFull = errors.New("`pip install` of the NVIDIA libraries failed: No space left on device")
		offline = errors.New("`pip download` failed: Temporary failure in name resolution")
		without = fmt.Errorf("backend install cpu: %w", backend.ErrWithoutXLA)
		other   = errors.New("there is no wheel")
	)
	for _, c := range []struct {
		name    string
		gpu     bool
		list    []backend.Candidate
		fails   map[string]error // of what is installed
		asked   []string
		says    []string
		stopped error
	}{
		{name: "nothing there", list: []backend.Candidate{slow}, asked: []string{"cpu"}},
		{name: "works already", list: []backend.Candidate{cpu, slow}, says: []string{"works: /cpu.so"}},
		{name: "GPU, nothing there", gpu: true, list: []backend.Candidate{slow}, asked: []string{"cuda"}, says: []string{"there is an NVIDIA GPU (a card)"}},
		{name: "GPU, only the processor's", gpu: true, list: []backend.Candidate{cpu, slow}, asked: []string{"cuda"}},
		{name: "GPU, works already", gpu: true, list: []backend.Candidate{cpu, cuda}, says: []string{"works: /cuda.so"}},
		{name: "GPU, broken", gpu: true, list: []backend.Candidate{broken, cpu}, asked: []string{"cuda"}},
		{name: "GPU, not to be had", gpu: true, list: []backend.Candidate{cpu, slow}, fails: map[string]error{"cuda": other}, asked: []string{"cuda"},
			says: []string{"there is no wheel", "backend install cuda", "works: /cpu.so"}},
		{name: "GPU, nothing to be had", gpu: true, list: []backend.Candidate{slow}, fails: map[string]error{"cuda": other, "cpu": other}, asked: []string{"cuda", "cpu"},
			says: []string{"backend install cuda", "the Go backend computes"}},
		{name: "GPU, full disk", gpu: true, list: []backend.Candidate{cpu}, fails: map[string]error{"cuda": pipFull}, asked: []string{"cuda"}, stopped: pipFull},
		{name: "full disk", list: []backend.Candidate{slow}, fails: map[string]error{"cpu": full}, asked: []string{"cpu"}, stopped: full},
		{name: "no network", list: []backend.Candidate{slow}, fails: map[string]error{"cpu": offline}, asked: []string{"cpu"},
			says: []string{"run the same command again when there is", "the Go backend computes"}},
		{name: "no C compiler", list: []backend.Candidate{slow}, fails: map[string]error{"cpu": without}, asked: []string{"cpu"},
			says: []string{"apt-get install gcc libc6-dev", "the Go backend computes"}},
	} {
		var out bytes.Buffer
		var asked []string
		err := accelerate(t.Context(), xlaMachine{
			log:  &out,
			list: func(context.Context) ([]backend.Candidate, error) { return c.list, nil },
			gpu:  func(context.Context) (bool, string) { return c.gpu, "a card" },
			install: func(_ context.Context, kind string) error {
				asked = append(asked, kind)
				return c.fails[kind]
			},
		})
		if !errors.Is(err, c.stopped) || c.stopped == nil && err != nil {
			t.Errorf("%s: error %v, expected %v", c.name, err, c.stopped)
		}
		if !slices.Equal(asked, c.asked) {
			t.Errorf("%s: installed %v, expected %v", c.name, asked, c.asked)
		}
		for _, want := range c.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is missing in\n%s", c.name, want, &out)
			}
		}
		if len(c.says) == 0 && !c.gpu && out.Len() > 0 {
			t.Errorf("%s: it says\n%s", c.name, &out)
		}
	}
}

func TestInterruptedXLAIsNoSmallMatter(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := accelerate(ctx, xlaMachine{
		log:  new(bytes.Buffer),
		list: func(context.Context) ([]backend.Candidate, error) { return nil, nil },
		gpu:  func(context.Context) (bool, string) { return true, "" },
		install: func(context.Context, string) error {
			cancel()
			return ctx.Err()
		},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestExaminedXLAIsThatOfTheGPU(t *testing.T) {
	cpu := backend.Candidate{Kind: backend.KindCPU, Path: "/cpu.so", Loads: true, Devices: []string{"one"}}
	cuda := backend.Candidate{Kind: backend.KindCUDA, Path: "/cuda.so", Loads: true, Devices: []string{"one", "two"}}
	slow := backend.Candidate{Kind: backend.KindGo, Loads: true}
	damaged := func(string) error { return errors.New("it is cut short") }
	fine := func(string) error { return nil }
	for _, c := range []struct {
		name       string
		list       []backend.Candidate
		gpu        bool
		try        func(string) error
		ok         bool
		says, mend string
	}{
		{"none", []backend.Candidate{slow}, false, fine, false, "the Go backend computes", "quickstart"},
		{"processor", []backend.Candidate{cpu, slow}, false, fine, true, "1 device(s): /cpu.so", ""},
		{"damaged", []backend.Candidate{cpu, slow}, false, damaged, false, "/cpu.so does not work: it is cut short", "quickstart"},
		{"GPU", []backend.Candidate{cuda, cpu}, true, fine, true, "2 device(s): /cuda.so", ""},
		{"GPU without XLA", []backend.Candidate{cpu}, true, fine, false, "there is an NVIDIA GPU (a card)", "backend install cuda"},
		{"GPU with broken XLA", []backend.Candidate{cuda, cpu}, true, damaged, false, "/cuda.so does not work", "backend install cuda"},
		{"CUDA without a GPU", []backend.Candidate{{Kind: backend.KindCUDA, Err: "not tried"}, cpu}, false, fine, true, "/cpu.so", ""},
	} {
		f := examineXLA(c.list, c.gpu, "a card", c.try)
		if f.OK != c.ok || !strings.Contains(f.Says, c.says) || !strings.Contains(f.Mend, c.mend) || c.ok != (f.Mend == "") {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

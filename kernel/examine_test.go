package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// finding checks what was found, and that it says what to do unless all is well.
func finding(t *testing.T, name string, f install.Finding, ok bool, says string) {
	t.Helper()
	if f.OK != ok || !strings.Contains(f.Says, says) || !ok && f.Mend == "" || strings.Contains(f.Says+f.Mend, "\n") || f.Part == "" {
		t.Errorf("%s: %+v, expected %v with %q", name, f, ok, says)
	}
}

func TestExaminationFindsADamagedToyWorld(t *testing.T) {
	world := filepath.Join(t.TempDir(), "toy")
	finding(t, "none", examineWorld(t.Context(), world), false, "there is none in "+world)
	if _, err := toy.Make(t.Context(), world, toy.Options{Scale: 0.001}); err != nil {
		t.Fatal(err)
	}
	finding(t, "made", examineWorld(t.Context(), world), true, "as they were written")
	if err := os.Truncate(filepath.Join(world, "data", "vqa", "minival.json"), 10); err != nil {
		t.Fatal(err)
	}
	finding(t, "cut short", examineWorld(t.Context(), world), false, "minival.json")
	if err := os.WriteFile(filepath.Join(world, "world.json"), []byte(`{"version": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := examineWorld(t.Context(), world); f.OK || f.Mend == "" {
		t.Errorf("another version: %+v", f)
	}
}

func TestExaminationFindsADamagedToyModel(t *testing.T) {
	world := filepath.Join(t.TempDir(), "toy")
	finding(t, "no world", examineModel(world), false, "config.json")
	if _, err := toy.Make(t.Context(), world, toy.Options{Scale: 0.001}); err != nil {
		t.Fatal(err)
	}
	finding(t, "none", examineModel(world), false, "there is none")
	cfg := toy.ModelConfig()
	var items []weights.Item
	for _, p := range cfg.Params() {
		n := 1
		for _, d := range p.Shape {
			n *= d
		}
		items = append(items, weights.FromFloats(p.Name, p.Shape, make([]float32, n), weights.F32))
	}
	path := filepath.Join(world, "snap", "vqa", "toy", "LAST.pth")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := weights.Save(path, cfg, items, nil); err != nil {
		t.Fatal(err)
	}
	finding(t, "whole", examineModel(world), true, "parameters")
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	f := examineModel(world)
	finding(t, "cut short", f, false, "LAST.pth")
	if !strings.Contains(f.Mend, "rm -r "+filepath.Dir(path)) {
		t.Errorf("training would go on with the damaged file: %+v", f)
	}
}

func TestExaminationOfTheSession(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	t.Setenv(wire.DirEnv, dir)
	finding(t, "never started", examineSession(t.Context(), time.Minute), true, "none has run yet")
	place, err := wire.Find("")
	if err != nil {
		t.Fatal(err)
	}
	if err := place.Prepare(); err != nil {
		t.Fatal(err)
	}
	finding(t, "ended", examineSession(t.Context(), time.Minute), true, "not running")
	if err := os.Chmod(place.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	finding(t, "open to others", examineSession(t.Context(), time.Minute), false, "must be yours alone")
	if err := os.Chmod(place.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", place.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	finding(t, "silent", examineSession(t.Context(), 200*time.Millisecond), false, "")
}

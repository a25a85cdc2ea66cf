package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
)

// writeIdentity writes a dictionary that reads x and -x of an activation, and writes x again.
func writeIdentity(t *testing.T, path string, width int, meta map[string]string) {
	t.Helper()
	item := func(name string, rows, columns int, value func(i, j int) float32) safetensors.Item {
		shape := []int{rows, columns}
		if rows == 1 {
			shape = shape[1:]
		}
		var raw []byte
		for i := range rows {
			for j := range columns {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(value(i, j)))
			}
		}
		return safetensors.Item{Name: name, DType: "F32", Shape: shape, Values: safetensors.Raw(raw)}
	}
	zero := func(_, _ int) float32 { return 0 }
	way := func(i, j int) float32 { // from x to x and -x
		switch j {
		case i:
			return 1
		case width + i:
			return -1
		}
		return 0
	}
	err := atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error {
		return safetensors.Write(w, []safetensors.Item{
			item("W_enc", width, 2*width, way), item("b_enc", 1, 2*width, zero),
			item("W_dec", 2*width, width, func(i, j int) float32 { return way(j, i) }), item("b_dec", 1, width, zero),
		}, meta)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFeaturesOfADictionaryAreChanged(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	q := readAsked(t, filepath.Join(r.dir, "data", "vqa", "minival.json"))[0]
	cfg, err := modelConfig(modelFlags{load: filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST"), config: filepath.Join(r.golden, "config.json")})
	if err != nil {
		t.Fatal(err)
	}
	file, wide := filepath.Join(t.TempDir(), "sae.safetensors"), filepath.Join(t.TempDir(), "wide.safetensors")
	writeIdentity(t, file, cfg.Hidden, nil)
	writeIdentity(t, wide, cfg.Hidden+1, map[string]string{"at": "hid.t.1"})
	ask := func(more ...string) (reply, error) {
		out, _, err := execute(rootCommand(), append([]string{"ask", "--backend", "go", "--json", "--load", filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST"),
			"--config", filepath.Join(r.golden, "config.json"), "--vocab", filepath.Join(r.golden, "tokenizer"), "--image", q.Image,
			"--regions", filepath.Join(r.dir, "data", "mscoco_imgfeat", "val2014_obj36.tsv"), q.Sentence}, more...)...)
		var found reply
		if err == nil {
			err = json.Unmarshal([]byte(out), &found)
		}
		return found, err
	}
	at := []string{"--dictionary", file, "--dictionary-at", "hid.t.1"}
	found, err := ask(append(at, "--feature", "3*1", "--feature", "3=9", "--feature", "3=9,4=-2 at word 1")...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		change  string
		differs bool
	}{{"sae.safetensors: 3*1", false}, {"sae.safetensors: 3=9", true}, {"sae.safetensors: 3=9, 4=-2 at word 1", true}} {
		if x := found.WhatIf[i]; x.Change != want.change || (math.Abs(x.Difference) > 1e-6) != want.differs {
			t.Errorf("%+v, want %+v", x, want)
		}
	}
	if found, err = ask(append(at, "--without-error")...); err != nil || len(found.WhatIf) != 1 || math.Abs(found.WhatIf[0].Difference) > 1e-4 ||
		found.WhatIf[0].Change != "hid.t.1 as sae.safetensors reconstructs it" {
		t.Errorf("%v, the reconstruction of an identity: %+v", err, found.WhatIf)
	}
	for want, c := range map[string]struct {
		flags []string
		use   bool
	}{
		"are for --dictionary, which is missing": {[]string{"--feature", "1=0"}, true},
		"--dictionary needs --feature":           {at, true},
		"--feature: \"1\" must be a feature":     {append(at, "--feature", "1"), true},
		"has no feature 9999":                    {append(at, "--feature", "9999=0"), true},
		"its metadata needs \"at\"":              {[]string{"--dictionary", file, "--feature", "1=0"}, true},
		"W_enc is [":                             {[]string{"--dictionary", wide, "--feature", "1=0"}, true},
		"--dictionary: open ":                    {[]string{"--dictionary", file + ".not", "--feature", "1=0"}, false},
		"not a dictionary":                       {[]string{"--dictionary", filepath.Join(r.golden, "config.json"), "--feature", "1=0"}, false},
	} {
		if _, err := ask(c.flags...); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || errors.Is(err, commandline.ErrUsage) != c.use {
			t.Errorf("%v: %v, want a line with %q", c.flags, err, want)
		}
	}
	// The same over a data set.
	out, errOut, err := execute(rootCommand(), analyzeArgs(r, "what-if", filepath.Join(t.TempDir(), "out"), append(at, "--limit", "3", "--feature", "3*1", "--feature", "3=9")...)...)
	if err != nil || !strings.Contains(out, "sae.safetensors: 3=9") {
		t.Errorf("%v\n%s\n%s", err, errOut, out)
	}
}

package main

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/lxmert/bench"
)

func TestBenchExplainsWrongFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"forward --batches 0", "a batch of 0"},
		{"forward --batches a", "invalid argument"},
		{"forward --words 0", "--words is 0"},
		{"forward --rounds -1", "--rounds is -1"},
		{"forward --load a --keep b.pth", "--keep is for synthetic weights"},
		{"forward --keep b.bin", "must end in .pth"},
		{"train --batches 0", "a batch of 0"},
		{"train --repeat 0", "--repeat is 0"},
		{"train --batches 8,6 --accumulate 4", "a batch of 6 cannot be shared by 4 parts on 1 device"},
		{"train --devices 0", "--devices is 0"},
		{"train --compile", "which --peer names"},
		{"data --size 0", "--size is 0"},
		{"data --batch -3", "--batch is -3"},
		{"data --features 0", "--features is 0"},
		{"tokenizer --sentences 0", "--sentences is 0"},
		{"tokenizer --length 1", "--length is 1"},
		{"gpu", "--out"},
		{"gpu --out x --repeat 0", "--repeat is 0"},
		{"gpu --out x --maxBatch -1", "--maxBatch is -1"},
		{"gpu --out x --limit 0s", "--limit is 0s"},
		{"gpu --out x --golden nowhere", "there is no nowhere/tiny/forward.safetensors"},
		{"gpu --without-gpu", "--out"},
		{"gpu --without-gpu --out x --golden g", "--golden is for what a GPU computes"},
		{"gpu --without-gpu --out x --repeat 3", "--repeat is for what a GPU computes"},
		{"gpu --without-gpu --out x --maxBatch -1", "--maxBatch is -1"},
	} {
		_, _, err := execute(rootCommand(), append([]string{"bench"}, strings.Fields(c.args)...)...)
		if !errors.Is(err, commandline.ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.args, err, c.want)
		}
	}
}

// TestBenchHelpNamesAllOfItsJSON: whoever reads --json finds each name in the command's help.
func TestBenchHelpNamesAllOfItsJSON(t *testing.T) {
	for report, name := range map[any]string{
		&bench.Report{}: "forward", &bench.TrainReport{}: "train", &bench.DataReport{}: "data", &bench.TokenizerReport{}: "tokenizer",
		&bench.GPUReport{}: "gpu", &bench.AheadReport{}: "gpu",
	} {
		cmd, _, err := benchCommand().Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		words := strings.FieldsFunc(cmd.Long, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) })
		names := jsonNames(reflect.TypeOf(report))
		if len(names) < 10 {
			t.Errorf("%s: %d names", name, len(names))
		}
		for _, n := range names {
			if !slices.Contains(words, n) {
				t.Errorf("the help of bench %s does not name %s", name, n)
			}
		}
	}
}

// jsonNames are the names in the JSON of a type, those inside it included.
func jsonNames(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return jsonNames(t.Elem())
	case reflect.Struct:
		var names []string
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
				names = append(names, name)
			}
			names = append(names, jsonNames(t.Field(i).Type)...)
		}
		return names
	}
	return nil
}

func TestBenchMeasureSaysWhatItCannotRead(t *testing.T) {
	for spec, want := range map[string]string{"{": "what to measure is not readable", "{}": "there is nothing to measure"} {
		_, _, err := execute(rootCommand(), "bench", "measure", spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", spec, err, want)
		}
	}
}

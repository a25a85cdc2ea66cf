package main

import (
	"errors"
	"strings"
	"testing"
)

func TestBenchForwardExplainsWrongFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--batches 0", "a batch of 0"},
		{"--batches a", "invalid argument"},
		{"--words 0", "--words is 0"},
		{"--rounds -1", "--rounds is -1"},
		{"--load a --keep b.pth", "--keep is for synthetic weights"},
		{"--keep b.bin", "must end in .pth"},
	} {
		_, _, err := execute(rootCommand(), append([]string{"bench", "forward"}, strings.Fields(c.args)...)...)
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.args, err, c.want)
		}
	}
}

func TestBenchMeasureSaysWhatItCannotRead(t *testing.T) {
	_, _, err := execute(rootCommand(), "bench", "measure", "{")
	if err == nil || !strings.Contains(err.Error(), "what to measure is not readable") {
		t.Errorf("error %v", err)
	}
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

func TestVerifyTellsSoundFeaturesFromDamagedOnes(t *testing.T) {
	path := goldenTSV(t)
	out, _, err := execute(verifyCommand(), path)
	if err != nil || !strings.Contains(out, "  no damage\n") || !strings.Contains(out, "warning     16 features per box; the published model takes 2048") {
		t.Errorf("%v, %s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.tsv")
	if err := os.WriteFile(cut, text[:len(text)-100], 0o666); err != nil {
		t.Fatal(err)
	}
	out, _, err = execute(verifyCommand(), path, cut)
	if err == nil || err.Error() != "1 of 2 cannot be used as they are" || !strings.Contains(out, "the file ends inside this row, it was cut short") {
		t.Errorf("%v, %s", err, out)
	}
	out, _, err = execute(verifyCommand(), path, "--json", "--rows", "3000")
	var report region.Report
	if e := json.Unmarshal([]byte(out), &report); e != nil || err == nil || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "there must be 3000") {
		t.Errorf("%v, %v, %s", err, e, out)
	}
}

func TestVerifyComparesWithOthers(t *testing.T) {
	path := goldenTSV(t)
	if _, _, err := execute(packCommand(), path); err != nil {
		t.Fatal(err)
	}
	store := strings.TrimSuffix(path, ".tsv") + ".store"
	scaled := filepath.Join(t.TempDir(), "scaled.tsv")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	zeros := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	for i, row := range zeros {
		at := strings.LastIndexByte(row, '\t') + 1
		features := strings.TrimRight(row[at:], "\r=")
		zeros[i] = row[:at] + strings.Repeat("A", len(features)) + strings.TrimRight(row[at+len(features):], "\r")
	}
	if err := os.WriteFile(scaled, []byte(strings.Join(zeros, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, against := range []string{path, store} {
		out, _, err := execute(verifyCommand(), path, "--against", against)
		if err != nil || strings.Contains(out, "not about") {
			t.Errorf("%v, %s", err, out)
		}
		out, _, err = execute(verifyCommand(), scaled, "--against", against)
		if err != nil || !strings.Contains(out, "the mean of the features is 0, not about") {
			t.Errorf("%v, %s", err, out)
		}
	}
}

func TestVerifySaysWhatIsWrong(t *testing.T) {
	path := goldenTSV(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"requires at least 1 arg(s)", nil},
		{"--rows is -1", []string{path, "--rows", "-1"}},
		{"no such file", []string{path + "x"}},
		{"no such file", []string{path, "--against", path + "x"}},
	} {
		_, _, err := execute(verifyCommand(), c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v does not say %q", c.args, err, c.want)
		}
	}
}

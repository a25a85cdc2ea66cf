package cli_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// Every combination of the values, each in a folder that its settings name.
func ExamplePoints() {
	points, err := cli.Points(dataset.VQA, []string{"--epochs", "2", "--output", "snap/vqa/sweep"}, []string{"lr=1e-5,5e-5", "batch=16,32"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range points {
		fmt.Println(p.Name, p.Line.Options.LR, p.Line.Options.BatchSize, filepath.ToSlash(p.Line.Options.Output))
	}
	// Output:
	// lr=1e-5,batchSize=16 1e-05 16 snap/vqa/sweep/lr=1e-5,batchSize=16
	// lr=1e-5,batchSize=32 1e-05 32 snap/vqa/sweep/lr=1e-5,batchSize=32
	// lr=5e-5,batchSize=16 5e-05 16 snap/vqa/sweep/lr=5e-5,batchSize=16
	// lr=5e-5,batchSize=32 5e-05 32 snap/vqa/sweep/lr=5e-5,batchSize=32
}

func TestValuesInQuotesHaveCommas(t *testing.T) {
	points, err := cli.Points(dataset.VQA, nil, []string{`train='train,nominival',train`, "blind=true,false"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range points {
		o := p.Line.Options
		got = append(got, fmt.Sprint(strings.Join(o.Train, "+"), " ", o.Blind, " ", o.Resume))
	}
	if want := []string{"train+nominival true true", "train+nominival false true", "train true true", "train false true"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestEveryRunOfASweepHasAFolderOfItsOwn, one level below the sweep's, whatever the values are.
func TestEveryRunOfASweepHasAFolderOfItsOwn(t *testing.T) {
	long := strings.Repeat("x", 300)
	values := []string{"a/b", "a_b", "../a", "..", "", long + "1", long + "2", "ä?", "a\nb"}
	points, err := cli.Points(dataset.VQA, nil, []string{"load=" + strings.Join(values, ",")})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, p := range points {
		if o := p.Line.Options; o.Load != values[i] || filepath.Dir(o.Output) != filepath.Clean("snap/test") || len(p.Name) > 200 || seen[p.Name] {
			t.Errorf("%q: folder %q of load %q", values[i], o.Output, o.Load)
		}
		seen[p.Name] = true
	}
}

func TestMistakesInAGridAreUsage(t *testing.T) {
	many := "seed=1"
	for i := range 200 {
		many += fmt.Sprint(",", i+2)
	}
	for _, c := range []struct {
		args string
		grid []string
		want string
	}{
		{"", nil, "--grid is missing"},
		{"", []string{"lr"}, "several --grid make every combination"},
		{"", []string{"lrr=1"}, "vqa has no flag --lrr"},
		{"", []string{"lo=1"}, "vqa has no flag --lo"},
		{"", []string{"lr=1e-4,x"}, `invalid argument "x" for "--lr"`},
		{"", []string{"lr=1e-4,1e-4"}, `"1e-4" is there twice`},
		{"", []string{"lr=1", "--lr=2"}, "--lr is there twice"},
		{"", []string{"train='a,b"}, "closing ' is missing"},
		{"", []string{"output=a,b"}, "give it beside --grid"},
		{"", []string{many, "batchSize" + many[4:]}, "more than 10000 runs"},
		{"--overwrite", []string{"lr=1"}, "goes on with what it has done"},
		{"--test minival", []string{"lr=1"}, "leave --test"},
		{"--batchSise 4", []string{"lr=1"}, "batchSise"},
	} {
		if _, err := cli.Points(dataset.VQA, strings.Fields(c.args), c.grid); !errors.Is(err, cli.ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s --grid %q: %v, want %q", c.args, c.grid, err, c.want)
		}
	}
}

package cli_test

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// The same flags as on the command line; names may be given in part.
func ExampleParse() {
	l, err := cli.Parse(dataset.VQA, []string{"--train", "train,nominival", "--valid", "minival", "--batch", "32"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Options.Train, l.Options.Valid, l.Options.BatchSize)
	// Output: [train nominival] [minival] 32
}

// A run that was interrupted goes on with the same command and --resume.
func ExampleAgain() {
	fmt.Println(cli.Quote(append([]string{"lxmert", "vqa"}, cli.Again([]string{"--output", "my run", "--overwrite"})...)))
	// Output: lxmert vqa --output 'my run' --resume
}

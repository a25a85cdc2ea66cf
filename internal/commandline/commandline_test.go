package commandline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestExitCodesAndTheLineThatSaysWhy(t *testing.T) {
	mistake := errors.New("no such color")
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"do", "well"}, 0, ""},
		{[]string{"do", "badly"}, 1, "program: it went badly\n"},
		{[]string{"do", "nothing"}, 1, "program: interrupted\n"},
		{[]string{"do", "wrong"}, 2, "program: not like that\n`program do --help` explains the command line\n"},
		{[]string{"do", "color"}, 2, "program: --color: no such color\n`program do --help` explains the command line\n"},
		{[]string{"do"}, 2, "program: accepts 1 arg(s), received 0\n`program do --help` explains the command line\n"},
		{[]string{"do", "well", "--more"}, 2, "program: unknown flag: --more\n`program do --help` explains the command line\n"},
		{[]string{"sing"}, 2, "program: unknown command \"sing\" for \"program\"\n`program --help` explains the command line\n"},
	} {
		root := &cobra.Command{Use: "program"}
		Prepare(root)
		root.AddCommand(&cobra.Command{Use: "do HOW", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
			return map[string]error{
				"well": nil, "badly": errors.New("it went badly"), "nothing": fmt.Errorf("stopped: %w", context.Canceled),
				"wrong": Usage("not like %s", "that"), "color": fmt.Errorf("--color: %w", mistake),
			}[args[0]]
		}})
		var said strings.Builder
		root.SetErr(&said)
		root.SetOut(&said)
		code := Run(t.Context(), root, c.args, mistake)
		if got := said.String(); code != c.code || got != c.said {
			t.Errorf("%q: %d and %q, expected %d and %q", c.args, code, got, c.code, c.said)
		}
	}
}

package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Expand completes names of flags that are given in part, as Python's argparse does for the reference: --batch 32 is
// --batchSize 32 where no other flag of the sets begins like that. Values in args of their own are left alone only after
// "--", as in argparse: a value that begins with "--" is written --flag=value.
func Expand(args []string, sets ...*pflag.FlagSet) []string {
	expanded := slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, ok := strings.CutPrefix(arg, "--")
		name, value, hasValue := strings.Cut(name, "=")
		if !ok || name == "" {
			continue
		}
		exact, found := false, map[string]bool{}
		for _, s := range sets {
			s.VisitAll(func(f *pflag.Flag) {
				exact = exact || f.Name == name
				if strings.HasPrefix(f.Name, name) {
					found[f.Name] = true
				}
			})
		}
		if exact || len(found) != 1 {
			continue // pflag's own error names what is unknown
		}
		for whole := range found {
			expanded[i] = "--" + whole
		}
		if hasValue {
			expanded[i] += "=" + value
		}
	}
	return expanded
}

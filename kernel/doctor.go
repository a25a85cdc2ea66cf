package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/install"
)

func doctorCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at an installation, and say what is wrong and what mends it",
		Long: `Looks at everything that install and quickstart bring and tries it: Python, the programs, what cells compile with, the
kernelspec, XLA (in a process of its own), the toy world and its model, the session. Each part has a line that says what it
is, or what is wrong with it and what mends it. Nothing is changed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			place, err := install.Find(dir)
			if err != nil {
				return err
			}
			return printFindings(cmd.OutOrStdout(), append(install.Doctor(cmd.Context(), place), examine(cmd.Context())...))
		},
	}
	dirFlag(cmd, &dir)
	return cmd
}

// printFindings writes a line for each part. The error says that something is to be mended.
func printFindings(w io.Writer, findings []install.Finding) error {
	bad := 0
	for _, f := range findings {
		state := "ok  "
		if !f.OK {
			state = "BAD "
			bad++
		}
		if _, err := fmt.Fprintf(w, "%s %-16s %s\n", state, f.Part, f.Says); err != nil {
			return err
		}
		if f.Mend != "" {
			if _, err := fmt.Fprintf(w, "     %-16s mend it with %s\n", "", f.Mend); err != nil {
				return err
			}
		}
	}
	switch bad {
	case 0:
		return nil
	case 1:
		return errors.New("one part is not as it should be")
	}
	return fmt.Errorf("%d parts are not as they should be", bad)
}

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// backendCommand is `lxmert backend`: what this machine can compute with, and `lxmert backend install`.
func backendCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "backend",
		Short: "List what can compute here (XLA on a GPU, XLA on the processor, pure Go); install XLA",
		Long: `List the compute backends of this machine, which of them work, and which one is taken.

Without --backend the choice is: what GOMLX_BACKEND says; else a CUDA plugin that is installed and finds a
GPU; else an installed XLA CPU plugin; else pure Go, which is many times slower. --backend takes
"xla", "xla:cpu", "xla:cuda", "xla:/path/to/plugin.so" or "go", each XLA one with options after commas
("xla:cuda,tf32=true").

Plugins are looked for in PJRT_PLUGIN_LIBRARY_PATH, in the folder that "lxmert backend install" fills, in
go-xla's folders, in LD_LIBRARY_PATH, and in Python environments (VIRTUAL_ENV, CONDA_PREFIX, the python3 on
PATH). Each is tried in a process of its own, so that a broken one does no harm. Below the one that is taken
stands what makes it faster, and why some of it is off.`,
		Example: `  lxmert backend
  lxmert backend --json
  lxmert backend install cpu`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := backend.List(cmd.Context(), backendSpec(cmd))
			if asJSON {
				return errors.Join(writeJSON(cmd.OutOrStdout(), list), err)
			}
			printBackends(cmd.OutOrStdout(), list)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	cmd.AddCommand(backendInstallCommand())
	return cmd
}

func backendInstallCommand() *cobra.Command {
	wheel, libtorch := "", ""
	cmd := &cobra.Command{
		Use:   "install [cpu|cuda|libtorch]",
		Short: "Download an XLA plugin into the user's cache folder, or libtorch to build with",
		Long: `Download an XLA plugin into the user's cache folder, where every command finds it. "cpu" (64 MB) is the
default; "cuda" also brings the NVIDIA libraries that it needs (several GB: it begins by saying how many) and
chooses CUDA 13 or, for drivers before 580 and GPUs before Turing, CUDA 12; "cuda12" and "cuda13" choose by hand.

The download goes through pip with your own index and proxy settings, is checked against a fixed SHA-256,
and is tried in a process of its own before it is put in place. Of the plugins for the CPU the newest that
works on this machine is taken: lammps-jax-pjrt-cpu 0.11.2, or else xla-cpu-pjrt 0.0.1.

"libtorch" gets PyTorch's library ready to build with, for programs that compute with it beside XLA ("lxmert check",
"--engine torch"): libtorch 2.1 for the processor with its headers, from PyTorch's own wheel (685 MB to download, 540 MB
stay). --libtorch takes the folder of one that you have instead, for the processor or for CUDA: unpacked as PyTorch's
site has it, or the folder "torch" in the site-packages of a Python with torch 2.1. A C++ compiler builds a small
program to try it; then the command that builds this program with it is printed.`,
		Example: `  lxmert backend install cpu
  lxmert backend install cuda
  lxmert backend install libtorch
  lxmert backend install libtorch --libtorch ~/libtorch
  lxmert backend install cpu --wheel lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"cpu", "cuda", "cuda12", "cuda13", "libtorch"},
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := "cpu"
			if len(args) == 1 {
				kind = args[0]
			}
			return backend.Install(cmd.Context(), kind, backend.InstallOptions{Log: cmd.ErrOrStderr(), Wheel: wheel, Libtorch: libtorch})
		},
	}
	cmd.Flags().StringVar(&libtorch, "libtorch", "", "folder of an unpacked libtorch 2.1 to build with, instead of downloading it")
	cmd.Flags().StringVar(&wheel, "wheel", "", "install this wheel file instead of downloading it")
	return cmd
}

// backendSpec is the root command's --backend flag; "" where there is none.
func backendSpec(cmd *cobra.Command) string {
	spec, err := cmd.Flags().GetString("backend")
	if err != nil {
		return ""
	}
	return spec
}

// printBackends writes the list for a person: one line per backend, the one that is taken marked.
func printBackends(w io.Writer, list []backend.Candidate) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  KIND\tAPI\tDEVICES\tWORKS\tWHERE")
	for _, c := range list {
		mark, works := " ", "yes"
		if c.Chosen {
			mark = "*"
		}
		if !c.Loads {
			works = "no"
		}
		where := c.Path
		if where == "" {
			where = backend.GoSpec
		}
		fmt.Fprintf(t, "%s %s\t%s\t%s\t%s\t%s\n", mark, c.Kind, dash(c.APIVersion), devices(c.Devices), works, where)
	}
	t.Flush()

	fmt.Fprintln(w)
	chosen, xla := false, false
	for _, c := range list {
		if c.Err != "" {
			fmt.Fprintf(w, "%s: %s\n", c.Path, c.Err)
		}
		if c.Chosen {
			fmt.Fprintf(w, "* %s: %s\n", c.Kind, c.Why)
			if c.Note != "" {
				fmt.Fprintf(w, "  %s\n", c.Note)
			}
		}
		chosen = chosen || c.Chosen
		xla = xla || c.Loads && c.Kind != backend.KindGo
	}
	if !chosen {
		fmt.Fprintln(w, "None of these is what was asked for (--backend, GOMLX_BACKEND) and works.")
	}
	if !xla {
		fmt.Fprintln(w, "No XLA plugin works here: `lxmert backend install cpu` makes everything many times faster.")
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// devices shortens a list of device descriptions to a count and the first one's name.
func devices(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	first, _, _ := strings.Cut(list[0], " [")
	if len(list) == 1 {
		return first
	}
	return fmt.Sprintf("%d (%s, ...)", len(list), first)
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/install"
)

// dirFlag adds the flag that names an installation's folder.
func dirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", "folder of the installation (default: $"+install.DirEnv+", or golxmert/kernel in the user's cache)")
}

func installCommand() *cobra.Command {
	var dir string
	var opt install.Options
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Bring JupyterLab, the Go kernel and what it needs into a folder of their own",
		Long: `Installs a Python environment with JupyterLab, GoNB with goimports and gopls, this program as the kernel "` + install.DisplayName + `",
and compiles what cells import. It can be repeated: what is there is left alone, what was cut off is done again.

Nothing outside the folder is touched, but for the caches of Go. Needed are Go, Python 3 with venv and pip, a
network, and 1.5 GB. Without a C compiler the slow Go backend computes. A program that was built with libtorch ("lxmert backend
install libtorch" says how) installs a kernel whose session computes with it too, for lx.Spec{Engine: "torch"}.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			place, err := install.Find(dir)
			if err != nil {
				return err
			}
			opt.Log = cmd.ErrOrStderr()
			return install.Install(cmd.Context(), place, opt)
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVar(&opt.Python, "python", "", "the Python to build the environment with (default: the first suitable on PATH)")
	cmd.Flags().StringVar(&opt.Source, "source", "", "checkout of this library that cells import (default: the one that this program was built from)")
	return cmd
}

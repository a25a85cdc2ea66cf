// Package install brings a Python environment with JupyterLab, the programs that a Go kernel needs, and the kernel itself
// into one folder, and looks after it.
//
// The folder ([Place]) holds everything and nothing outside is touched, the caches of Go excepted:
//
//	bin/        kernel (this program), gonb, goimports, gopls
//	venv/       Python with JupyterLab; in it the kernelspec "Go (LXMERT)", so that other Jupyters do not see it
//	prelude/    go.mod and go.sum of cells, with this library and gonum pinned: imports are found without a network
//	jupyter/    what Jupyter would write into the user's home: settings, workspaces, runtime files
//	gopls/      what gopls keeps
//	steps/      which steps are done, and with what
//
// [Install] goes through steps. Each says what it does and how long it took; what is done is not done again, and what was
// cut off is, because a step's note in steps/ is written last. Errors are one line that says what to do. [Doctor] looks at
// the result, and [Uninstall] removes it.
package install

package proxy

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// idleName is a file in the kernel's own folder: while it is there the programs of cells end before they do anything.
const idleName = "idle"

// prologue is a file of Go that stands beside the one that GoNB puts together, and is compiled with it: what the program
// of a cell does before anything else. It ends if the cell only brings declarations back (see [kernel.settle]); it takes
// GoNB's file away (see [setAside]); it leaves a sign that it begins, if the cell is timed; and it reads from the kernel's
// [input], as GoNB's own never ends. The file's name makes it the first one, and its only variable the first that is
// initialised. Under the name that it gives to package syscall no cell has anything.
func prologue(p *private, in *input, work string) (name, text string) {
	dup := "Dup2(fd, 0)"
	if runtime.GOOS == "linux" { // where some machines have no dup2
		dup = "Dup3(fd, 0, 0)"
	}
	aside := ""
	for from, to := range setAside {
		aside += "\tkernel_syscall.Rename(" + strconv.Quote(filepath.Join(work, from)) + ", " + strconv.Quote(filepath.Join(work, to)) + ")\n"
	}
	return "kernel_prologue_" + runtime.GOOS + ".go", `package main

import kernel_syscall "syscall"

// The kernel's: without it, what reads from standard input would wait forever.
var _ = func() (done struct{}) {
	if kernel_syscall.Access(` + strconv.Quote(p.path(idleName)) + `, 0) == nil {
		kernel_syscall.Exit(0)
	}
` + aside + `	kernel_syscall.Truncate(` + strconv.Quote(p.path(startedName)) + `, 0)
	for _, path := range []string{` + strconv.Quote(in.path) + `, "` + os.DevNull + `"} {
		if fd, err := kernel_syscall.Open(path, kernel_syscall.O_RDONLY|kernel_syscall.O_CLOEXEC, 0); err == nil {
			kernel_syscall.` + dup + `
			kernel_syscall.Close(fd)
			break
		}
	}
	return
}()
`
}

// addPrologue puts it into the folder in which GoNB compiles.
func (g *gonb) addPrologue(in *input) error {
	name, text := prologue(g.private, in, g.work)
	return os.WriteFile(filepath.Join(g.work, name), []byte(text), 0o600)
}

// setAside are the files that GoNB puts together, with the names that they have while the program of a cell runs. GoNB
// looks for every line of standard error that names a place in such a file, and ends where the place cannot be: line 1,
// column 0 is enough. Where it cannot read the file it does not look, and the kernel finds such places by itself.
// A program that reads its own source knows of this, see [wire.AsideSuffix].
var setAside = map[string]string{"main.go": "main.go" + wire.AsideSuffix, "main_test.go": "main_test.go" + wire.AsideSuffix}

// putBack gives the files that were set aside their names again, for cells that look at them.
func (g *gonb) putBack() {
	for name, aside := range setAside {
		os.Rename(filepath.Join(g.work, aside), filepath.Join(g.work, name)) // which fails if it has not run
	}
}

// readFile is the file that GoNB has put together for the cell that runs, or ran.
func readFile(work string) ([]byte, error) {
	for _, name := range []string{setAside["main.go"], setAside["main_test.go"], "main.go"} {
		if text, err := os.ReadFile(filepath.Join(work, name)); err == nil {
			return text, nil
		}
	}
	return os.ReadFile(filepath.Join(work, "main_test.go"))
}

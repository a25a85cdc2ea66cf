package proxy

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// idleName is a file in the kernel's own folder: while it is there the programs of cells end before they do anything.
const idleName = "idle"

// prologue is a file of Go that stands beside the one that GoNB puts together, and is compiled with it: what the program
// of a cell does before anything else. It ends if the cell only brings declarations back (see [kernel.settle]); it leaves a
// sign that it begins, if the cell is timed; and it reads from the kernel's [input], as GoNB's own never ends. The file's
// name makes it the first one, and its only variable the first that is initialised. Under the name that it gives to package
// syscall no cell has anything.
func prologue(p *private, in *input) (name, text string) {
	dup := "Dup2(fd, 0)"
	if runtime.GOOS == "linux" { // where some machines have no dup2
		dup = "Dup3(fd, 0, 0)"
	}
	return "kernel_prologue_" + runtime.GOOS + ".go", `package main

import kernel_syscall "syscall"

// The kernel's: without it, what reads from standard input would wait for ever.
var _ = func() (done struct{}) {
	if kernel_syscall.Access(` + strconv.Quote(p.path(idleName)) + `, 0) == nil {
		kernel_syscall.Exit(0)
	}
	kernel_syscall.Truncate(` + strconv.Quote(p.path(startedName)) + `, 0)
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
	name, text := prologue(g.private, in)
	return os.WriteFile(filepath.Join(g.work, name), []byte(text), 0o600)
}

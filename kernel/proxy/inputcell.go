package proxy

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// This file makes what a cell runs read from the kernel's [input].

// inputSource is a file of Go that stands beside the one that GoNB puts together, and is compiled with it. By its name it
// comes first, so that it changes standard input before any variable of a cell is initialised. Under the name that it
// gives to package syscall no cell has anything.
func inputSource(path string) (name, text string) {
	dup := "Dup2(fd, 0)"
	if runtime.GOOS == "linux" { // where some machines have no dup2
		dup = "Dup3(fd, 0, 0)"
	}
	return "kernel_input_" + runtime.GOOS + ".go", `package main

import kernel_syscall "syscall"

// GoNB's own standard input never ends: a program that reads from it would wait for ever.
var _ = func() (done struct{}) {
	for _, path := range []string{` + strconv.Quote(path) + `, "` + os.DevNull + `"} {
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

// addInputSource puts it into the folder in which GoNB compiles.
func (g *gonb) addInputSource(path string) error {
	name, text := inputSource(path)
	return os.WriteFile(filepath.Join(g.work, name), []byte(text), 0o600)
}

// inputWord is the command by which the shell line after it asks its user ("with_inputs"), or asks without showing what is
// typed ("with_password"); "": the command is another.
func inputWord(command string) string {
	switch name := commandName(command); name {
	case "%with_inputs", "%with_password":
		return name[1:]
	}
	return ""
}

// hidesInput says whether %with_password is meant for the cell's own program, as no shell line follows it.
func (c cell) hidesInput() bool {
	hides := false
	for i := range c.kinds {
		command := c.command(i)
		switch {
		case strings.HasPrefix(command, "!"):
			hides = false
		case inputWord(command) == "with_password":
			hides = true
		}
	}
	return hides
}

// redirection changes commands, one after the other, so that the shell lines among them read from a path. If the user may
// be asked, a line below %with_inputs or %with_password stays as it is: GoNB asks for it whether it reads or not.
type redirection struct {
	path   string
	mayAsk bool
	byGoNB bool // whether GoNB asks for the next line
}

func (r *redirection) apply(command string) string {
	if inputWord(command) != "" {
		if r.byGoNB = r.mayAsk; !r.mayAsk {
			return ""
		}
		return command
	}
	shell, ok := strings.CutPrefix(command, "!")
	if !ok {
		return command
	}
	if r.byGoNB {
		r.byGoNB = false
		return command
	}
	mark := "!"
	if rest, ok := strings.CutPrefix(shell, "*"); ok {
		mark, shell = "!*", rest
	}
	if strings.TrimSpace(shell) == "" {
		return command // GoNB takes it for nothing
	}
	// The line itself is quoted, so that the shell's messages show no more than it.
	return mark + "exec <" + shellQuote(r.path) + "; eval " + shellQuote(shell)
}

// shellQuote is a text as one word of a shell's.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

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
// typed ("with_password"); "": the line is another.
func inputWord(line string) string {
	line = bare(line)
	if !strings.HasPrefix(line, "%") {
		return ""
	}
	words := strings.Fields(line[1:])
	if len(words) > 0 && (words[0] == "with_inputs" || words[0] == "with_password") {
		return words[0]
	}
	return ""
}

// hidesInput says whether %with_password is meant for the cell's own program, as no shell line follows it.
func (c cell) hidesInput() bool {
	hides := false
	for i, line := range c.lines {
		switch {
		case c.kinds[i] != otherLine:
		case strings.HasPrefix(bare(line), "!"):
			hides = false
		case inputWord(line) == "with_password":
			hides = true
		}
	}
	return hides && !c.script
}

// withInput changes the lines of code that GoNB is to get for a cell, so that its shell lines read from a path. If the user
// may be asked, a line below %with_inputs or %with_password stays as it is: GoNB asks for it whether it reads or not.
func (c cell) withInput(code, path string, mayAsk bool) string {
	if c.script {
		return code // it is a script's input
	}
	lines := strings.Split(code, "\n")
	byGoNB := false
	for i := 0; i < len(lines); i++ {
		if c.kinds[i] != otherLine {
			continue
		}
		if inputWord(lines[i]) != "" {
			if byGoNB = mayAsk; !mayAsk {
				lines[i] = ""
			}
			continue
		}
		if !strings.HasPrefix(bare(lines[i]), "!") {
			continue
		}
		last := i
		for last+1 < len(lines) && strings.HasSuffix(lines[last], `\`) && c.kinds[last+1] == otherLine {
			last++
		}
		if !byGoNB {
			readFrom(lines[i:last+1], path)
		}
		byGoNB = false
		i = last
	}
	return strings.Join(lines, "\n")
}

// readFrom puts a redirection before a shell line, which may go on over several. The line itself is quoted, so that the
// shell's messages show no more than it.
func readFrom(lines []string, path string) {
	mark, command, _ := strings.Cut(lines[0], "!")
	command = strings.TrimLeft(command, " \t")
	if rest, ok := strings.CutPrefix(command, "*"); ok {
		mark, command = mark+"!*", rest
	} else {
		mark += "!"
	}
	if strings.TrimSpace(command) == "" && len(lines) == 1 {
		return // GoNB takes it for nothing
	}
	lines[0] = command
	for i, line := range lines {
		line, goesOn := strings.CutSuffix(line, `\`)
		lines[i] = strings.ReplaceAll(line, "'", `'\''`)
		if goesOn {
			lines[i] += `\`
		}
	}
	lines[0] = mark + "exec <" + shellQuote(path) + "; eval '" + lines[0]
	lines[len(lines)-1] += "'"
}

// shellQuote is a text as one word of a shell's.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

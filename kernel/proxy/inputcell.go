package proxy

import (
	"strings"
)

// This file makes shell lines read from the kernel's [input].

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

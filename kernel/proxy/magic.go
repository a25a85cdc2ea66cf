package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Magic is a command that a cell writes as `%lx NAME ARGS`. Commands run before the cell's Go.
type Magic struct {
	Name string
	Args string // as help shows them: "FILE"; "": it takes none
	Help string // what it does, in one line

	// Run does it and writes text for the cell's output. The context ends when the cell is interrupted.
	Run func(ctx context.Context, out io.Writer, args []string) error
	// Complete lists what could stand in place of the last of args, which may be "". nil: nothing is known.
	Complete func(ctx context.Context, args []string) []string
}

// errMagic is wrapped by errors in the commands of a cell.
var errMagic = errors.New("%lx")

// allMagics is the list that a kernel has, `%lx help` included.
func allMagics(given []Magic) []Magic {
	list := slices.Clone(given)
	help := Magic{Name: "help", Help: "this list"}
	help.Run = func(_ context.Context, out io.Writer, _ []string) error {
		_, err := io.WriteString(out, magicHelp(list))
		return err
	}
	list = append(list, help)
	return list
}

// cellHelp says what Go a cell can have.
const cellHelp = `A cell is Go: declarations, and statements, which are the body of main. Main begins below a line %%, or with the first
statement. What is declared above it stays for later cells; types, variables and constants below are main's own, which
ends with the cell. Imports, functions and methods may stand anywhere. The value of an expression that the statements end
with is shown; a semicolon behind it keeps it back. %%time on a cell's first line, or %time before a statement, says how
long the cell took.
`

func magicHelp(list []Magic) string {
	var b strings.Builder
	b.WriteString("Commands of LXMERT, each on a line of its own, before the cell's Go:\n\n")
	for _, m := range list {
		fmt.Fprintf(&b, "  %-22s %s\n", strings.TrimSpace("%lx "+m.Name+" "+m.Args), m.Help)
	}
	b.WriteString("\n%help lists those of GoNB: %%, %env, %cd, !shell and more.\n\n" + cellHelp)
	return b.String()
}

// runMagic runs the command on a cell's line.
func runMagic(ctx context.Context, list []Magic, line string, out io.Writer) error {
	words, err := splitWords(strings.TrimPrefix(bare(line), "%lx"))
	if err != nil {
		return fmt.Errorf("%w: %w", errMagic, err)
	}
	if len(words) == 0 {
		words = []string{"help"}
	}
	at := slices.IndexFunc(list, func(m Magic) bool { return m.Name == words[0] })
	if at < 0 {
		return fmt.Errorf("%w: there is no %q; `%%lx help` lists what there is", errMagic, words[0])
	}
	m := list[at]
	if len(words) > 1 && m.Args == "" {
		return fmt.Errorf("%w %s takes no arguments, %q is one", errMagic, m.Name, words[1])
	}
	if err := m.Run(ctx, out, words[1:]); err != nil {
		return fmt.Errorf("%w %s: %w", errMagic, m.Name, err)
	}
	return nil
}

// completeMagic lists what could stand in place of the last word of a command's text up to the cursor, and how long
// that word is, in bytes.
func completeMagic(ctx context.Context, list []Magic, text string) (matches []string, length int) {
	text = strings.TrimPrefix(bare(text), "%lx")
	words := strings.Fields(text)
	if text == "" {
		return nil, 0 // the cursor stands right after %lx
	}
	if strings.HasSuffix(text, " ") || len(words) == 0 {
		words = append(words, "")
	}
	last := words[len(words)-1]
	var candidates []string
	if len(words) == 1 {
		for _, m := range list {
			candidates = append(candidates, m.Name)
		}
	} else if at := slices.IndexFunc(list, func(m Magic) bool { return m.Name == words[0] }); at >= 0 && list[at].Complete != nil {
		candidates = list[at].Complete(ctx, words[1:])
	}
	for _, c := range candidates {
		if strings.HasPrefix(c, last) {
			matches = append(matches, c)
		}
	}
	return matches, len(last)
}

// splitWords splits at spaces; double quotes hold words together.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quoted := false, false
	for _, r := range s {
		switch {
		case r == '"':
			quoted, started = !quoted, true
		case !quoted && (r == ' ' || r == '\t'):
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quoted {
		return nil, errors.New(`a quotation mark (") is not closed`)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

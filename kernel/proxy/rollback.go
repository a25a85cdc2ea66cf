package proxy

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What a cell declares (functions, variables, types, constants, imports) is kept when the cell ends well, all of it, and
// otherwise nothing: if it does not compile, if a variable's initialisation or main panics or exits with another status
// than 0, if it is interrupted or killed. What it has replaced is then there again. Commands (%rm, %reset, %cd, shell lines)
// are not declarations: they have been done when the cell's Go is compiled, and stay done.
//
// GoNB keeps what has been compiled, before it runs. What a failed cell has left there is taken back before the next cell
// begins: by %rm, and if something was replaced by a cell of its own that declares it once more. The program of that one
// ends before it has done anything.

// behind is how GoNB's declarations differ from those that are kept here.
type behind struct {
	keys map[string]map[string]bool // kinds of what failed cells have declared, by the name that GoNB knows it by

	// Variables called _ have names in GoNB that nobody can tell from a cell, so GoNB is asked.
	blanks  map[string]bool // those that belong to what is kept
	unknown bool            // there are others that belong to it
	foreign bool            // there are some of a failed cell
}

// cellLine is a line of a cell.
type cellLine struct{ number, line int }

// removal is one thing that commands have taken out of GoNB's declarations; without a name it is everything.
type removal struct{ kind, key string }

var (
	wasReset  = "* State reset:"
	isRemoved = regexp.MustCompile(`^\. removed (import|const|type|var|func) (\S.*)\n$`)
)

// removes says whether a cell has a command that takes declarations away.
func (c cell) removes() bool {
	for i, kind := range c.kinds {
		if kind == otherLine && slices.Contains([]string{"%rm", "%remove", "%reset"}, commandName(c.command(i))) {
			return true
		}
	}
	return false
}

// noteRemoval takes note of what GoNB says about a cell's %rm and %reset.
func (e *execution) noteRemoval(m *message) {
	var c struct {
		Text string `json:"text"`
	}
	if !e.cell.removes() || m.read(&c) != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if found := isRemoved.FindStringSubmatch(c.Text); found != nil {
		e.removals = append(e.removals, removal{found[1], found[2]})
	} else if strings.HasPrefix(c.Text, wasReset) {
		e.removals = append(e.removals, removal{})
	}
}

// remove follows a cell's %rm and %reset.
func (d *declarations) remove(list []removal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range list {
		switch r.kind {
		case "":
			d.units, d.imports, d.blank, d.behind = nil, map[string]string{}, nil, behind{}
		case "import":
			delete(d.imports, r.key)
			if r.key == "_" {
				d.blank = nil
			}
		default:
			d.units = slices.DeleteFunc(d.units, func(u unit) bool { return u.kind == r.kind && slices.Contains(u.keys, r.key) })
		}
	}
}

// takeBack takes note that GoNB has declarations of a cell that has failed. It returns, in words, what becomes of them.
func (d *declarations) takeBack(c cell) string {
	units, imports := declaredIn(c)
	d.mu.Lock()
	defer d.mu.Unlock()
	owe := func(key, kind string) {
		if d.behind.keys == nil {
			d.behind.keys = map[string]map[string]bool{}
		}
		if d.behind.keys[key] == nil {
			d.behind.keys[key] = map[string]bool{}
		}
		d.behind.keys[key][kind] = true
	}
	for key := range imports {
		owe(key, "import")
	}
	var gone, former []string
	for _, u := range units {
		d.behind.foreign = d.behind.foreign || u.blank()
		for _, key := range u.keys {
			owe(key, u.kind)
		}
		for _, name := range u.names {
			switch {
			case name == "_":
			case slices.ContainsFunc(d.units, func(o unit) bool { return slices.Contains(o.names, name) }):
				former = append(former, name)
			default:
				gone = append(gone, name)
			}
		}
	}
	return inWords(gone, former)
}

// inWords says what a failed cell has not changed.
func inWords(gone, former []string) string {
	var parts []string
	if len(gone) > 0 {
		parts = append(parts, strings.Join(gone, ", ")+" not declared")
	}
	if len(former) > 0 {
		parts = append(parts, strings.Join(former, ", ")+" as before")
	}
	if len(parts) == 0 {
		return ""
	}
	return "(the cell has failed: " + strings.Join(parts, ", ") + ")"
}

// repair is a cell that makes GoNB's declarations agree, and where each of its lines comes from; without Go if there is
// nothing to bring back. The variables called _ that are to go as well are given.
func (d *declarations) repair(blanks []string) (text string, from []cellLine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.behind.keys) == 0 && len(blanks) == 0 {
		return "", nil
	}
	words := []string{"%rm"}
	lines := []string{""}
	from = []cellLine{{}}
	add := func(text string, number, line int) {
		for i, l := range strings.Split(text, "\n") {
			lines = append(lines, l)
			from = append(from, cellLine{number, line + i})
		}
	}
	var returning []unit
	for _, key := range slices.Sorted(maps.Keys(d.behind.keys)) {
		kinds := maps.Clone(d.behind.keys[key])
		if file, ok := d.imports[key]; ok {
			kinds["import"] = true
			add("import "+file, 0, 0)
		}
		for _, u := range d.units {
			if !slices.Contains(u.keys, key) {
				continue
			}
			kinds[u.kind] = true
			if !slices.ContainsFunc(returning, func(o unit) bool { return o.number == u.number && o.text == u.text }) {
				returning = append(returning, u)
			}
		}
		for range kinds { // %rm takes one of a name
			words = append(words, strconv.Quote(key))
		}
	}
	for _, key := range blanks {
		words = append(words, strconv.Quote(key))
	}
	for _, u := range returning {
		add(u.text, u.number, u.first)
		d.behind.unknown = d.behind.unknown || u.blank()
	}
	lines[0] = strings.Join(words, " ")
	return strings.Join(lines, "\n"), from
}

// settle makes GoNB's declarations agree with those that are kept here. What cannot be brought back now, because it does
// not compile with the rest, is tried again before the next cell.
func (k *kernel) settle(ctx context.Context) error {
	d := k.declared
	d.mu.Lock()
	foreign, known := d.behind.foreign, d.behind.blanks
	d.mu.Unlock()
	var drop []string
	if foreign {
		all, err := k.listBlanks(ctx)
		if err != nil {
			return err
		}
		drop = slices.DeleteFunc(all, func(key string) bool { return known[key] })
	}
	text, from := d.repair(drop)
	if text != "" {
		if err := k.mend(ctx, text, from); err != nil {
			return err
		}
	}
	d.mu.Lock()
	unknown := d.behind.unknown
	d.mu.Unlock()
	if !unknown {
		return nil
	}
	all, err := k.listBlanks(ctx)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.behind.unknown, d.behind.blanks = false, map[string]bool{}
	for _, key := range all {
		d.behind.blanks[key] = true
	}
	return nil
}

// mend has GoNB run a repair.
func (k *kernel) mend(ctx context.Context, text string, from []cellLine) error {
	idle := k.private.path(idleName)
	if err := os.WriteFile(idle, nil, 0o600); err != nil {
		return fmt.Errorf("taking back what a failed cell has declared: %w", err)
	}
	defer os.Remove(idle)
	e := k.newExecution(origin{}, executeRequest{Code: text, Silent: true})
	reply, err := k.send(ctx, e, e.cell.composeForGoNB(redirection{}, showing{}).String())
	if err != nil {
		return err
	}
	var c struct {
		Status string `json:"status"`
		Count  int    `json:"execution_count"`
	}
	if err := reply.read(&c); err != nil {
		return err
	}
	d := k.declared
	d.mu.Lock()
	defer d.mu.Unlock()
	d.behind.foreign = false // %rm comes before whatever may fail
	if c.Status == "ok" {
		d.behind.keys = nil
		d.repairs[c.Count] = from
	}
	return nil
}

// blankKey is what GoNB calls a variable whose name is _, in a list.
var blankKey = regexp.MustCompile(`_~\d+`)

// listBlanks lists the variables called _ that GoNB has.
func (k *kernel) listBlanks(ctx context.Context) ([]string, error) {
	e := k.newExecution(origin{}, executeRequest{Code: "%ls", Silent: true})
	var said tail
	said.limit = 1 << 20
	e.listen = func(m *message) { said.Write(m.content) }
	if _, err := k.send(ctx, e, "%ls"); err != nil {
		return nil, err
	}
	return blankKey.FindAllString(said.String(), -1), nil
}

// whence is the line of a cell that GoNB means by a line of one that it knows by another number, and the line that GoNB
// got, if it is known; number 0 is the running cell.
func (d *declarations) whence(gonb, line string, e *execution) (number int, at string, sent composedLine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := strconv.Atoi(gonb)
	if err == nil {
		number = d.numbers[n]
	}
	i, err := strconv.Atoi(line)
	if err != nil || i < 1 {
		return number, line, sent
	}
	if i <= len(d.repairs[n]) {
		from := d.repairs[n][i-1]
		return from.number, strconv.Itoa(from.line), sent
	}
	order := d.cells[number].sent
	if number == 0 || number == e.count {
		number, order = 0, e.cell.sent
	}
	if i > len(order) {
		return number, line, sent
	}
	for sent = order[i-1]; i > 1 && order[i-1].from == 0; i-- { // what closes main belongs to what stands above
	}
	return number, strconv.Itoa(order[i-1].from), sent
}

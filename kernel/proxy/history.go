package proxy

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// history is what has been run since the kernel started; its length is the number of the latest cell.
type history struct {
	mu    sync.Mutex
	cells []string // the first has number 1
}

// add appends a cell and returns its number.
func (h *history) add(code string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cells = append(h.cells, code)
	return len(h.cells)
}

// count is the number of the latest cell.
func (h *history) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.cells)
}

// reply is the content of a history_reply: session, number and input of each cell that was asked for. The kernel knows
// one session, its own, which is 0 relative to itself.
func (h *history) reply(m *message) any {
	var ask struct {
		Access  string `json:"hist_access_type"`
		Output  bool   `json:"output"`
		Session int    `json:"session"`
		Start   int    `json:"start"`
		Stop    *int   `json:"stop"`
		N       *int   `json:"n"`
		Pattern string `json:"pattern"`
		Unique  bool   `json:"unique"`
	}
	if err := m.read(&ask); err != nil {
		return errorReply(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var numbers []int
	switch ask.Access {
	case "range":
		stop := len(h.cells) + 1
		if ask.Stop != nil {
			stop = min(stop, *ask.Stop)
		}
		for n := max(1, ask.Start); n < stop && ask.Session == 0; n++ {
			numbers = append(numbers, n)
		}
	case "tail", "search":
		for n := range h.cells {
			if ask.Access == "tail" || matchesGlob(ask.Pattern, h.cells[n]) {
				numbers = append(numbers, n+1)
			}
		}
		if ask.Unique {
			numbers = h.latest(numbers)
		}
		if ask.N != nil && *ask.N >= 0 && *ask.N < len(numbers) {
			numbers = numbers[len(numbers)-*ask.N:]
		}
	}
	list := []any{}
	for _, n := range numbers {
		input := any(h.cells[n-1])
		if ask.Output {
			input = []any{input, nil}
		}
		list = append(list, []any{0, n, input})
	}
	return map[string]any{"status": "ok", "history": list}
}

// latest leaves of cells with the same text only the last.
func (h *history) latest(numbers []int) []int {
	seen := map[string]bool{}
	var kept []int
	for _, n := range slices.Backward(numbers) {
		if !seen[h.cells[n-1]] {
			seen[h.cells[n-1]] = true
			kept = append(kept, n)
		}
	}
	slices.Reverse(kept)
	return kept
}

// matchesGlob says whether a pattern with * and ? matches a whole cell, as in IPython.
func matchesGlob(pattern, text string) bool {
	// A slash is like any other character here.
	replace := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(replace.Replace(pattern), replace.Replace(text))
	return err == nil && ok
}

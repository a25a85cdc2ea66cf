package ipynb

import (
	"encoding/json"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// This file makes outputs of a kernel's messages, as nbformat has them.

// taker puts messages of the running cell below it.
type taker struct {
	notebook *Notebook
	cell     *Cell
	clear    bool // what is there goes when something else comes
}

// take takes a message. One that makes no sense is left out.
func (t *taker) take(m proxy.Output) {
	var c struct {
		Name      string         `json:"name"` // of a stream
		Text      string         `json:"text"`
		Data      map[string]any `json:"data"`
		Metadata  map[string]any `json:"metadata"`
		Transient struct {
			ID string `json:"display_id"`
		} `json:"transient"`
		Count int    `json:"execution_count"`
		Wait  bool   `json:"wait"` // of clear_output
		EName string `json:"ename"`
		Value string `json:"evalue"`
		Trace []any  `json:"traceback"`
	}
	if json.Unmarshal(m.Content, &c) != nil {
		return
	}
	switch m.Type {
	case "stream":
		t.stream(c.Name, c.Text)
	case "display_data", "execute_result":
		o := &Output{map[string]any{"output_type": m.Type, "data": bundle(c.Data), "metadata": object(c.Metadata)}, c.Transient.ID}
		if m.Type == "execute_result" {
			o.fields["execution_count"] = c.Count
		}
		t.replace(c.Transient.ID, c.Data, c.Metadata)
		t.put(o)
	case "update_display_data":
		t.replace(c.Transient.ID, c.Data, c.Metadata)
	case "error":
		t.put(&Output{map[string]any{"output_type": "error", "ename": c.EName, "evalue": c.Value, "traceback": list(c.Trace)}, ""})
	case "clear_output":
		if t.clear = c.Wait; !c.Wait {
			t.cell.Outputs = nil
		}
	}
}

func (t *taker) put(o *Output) {
	if t.clear {
		t.cell.Outputs, t.clear = nil, false
	}
	t.cell.Outputs = append(t.cell.Outputs, o)
}

// stream puts text after that of the same stream, if that is the last output.
func (t *taker) stream(name, text string) {
	if n := len(t.cell.Outputs); n > 0 && !t.clear {
		if last := t.cell.Outputs[n-1].fields; last["output_type"] == "stream" && last["name"] == name {
			last["text"] = lines(strings.Join(last["text"].([]string), "") + text)
			return
		}
	}
	t.put(&Output{map[string]any{"output_type": "stream", "name": name, "text": lines(text)}, ""})
}

// replace shows something else in place of what was displayed under an id, in whatever cell.
func (t *taker) replace(id string, data, metadata map[string]any) {
	if id == "" {
		return
	}
	for _, c := range t.notebook.Cells {
		for _, o := range c.Outputs {
			if o.display == id {
				o.fields["data"], o.fields["metadata"] = bundle(data), object(metadata)
			}
		}
	}
}

// bundle is what is displayed, by MIME type, with texts in lines.
func bundle(data map[string]any) map[string]any {
	out := map[string]any{}
	for kind, value := range data {
		if s, ok := value.(string); ok && kind != "application/json" && !strings.HasSuffix(kind, "+json") {
			value = lines(s)
		}
		out[kind] = value
	}
	return out
}

// object and list are what JSON shows as such also if there is nothing in it.
func object(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func list(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

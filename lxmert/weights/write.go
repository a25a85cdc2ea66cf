package weights

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Write writes tensors to a .safetensors or .pth file, by the path's suffix. Values are asked for one after the other, so
// memory does not grow with the file. The file replaces another one only when it is complete and on disk.
//
// A .pth is an OrderedDict in the order of the items, as torch.save writes it and torch.load(weights_only=True) reads it;
// notes become attributes of it. In a .safetensors file notes are the metadata and values come in alignment order.
func Write(path string, items []Item, notes map[string]string) error {
	byName := make(map[string]*Item, len(items))
	for i := range items {
		it := &items[i]
		if byName[it.Name] != nil {
			return fmt.Errorf("writing %s: two tensors are called %q", path, it.Name)
		}
		byName[it.Name] = it
	}
	for _, it := range items {
		if _, ok := safetensors.Bytes(string(it.DType), it.Shape); !ok {
			return fmt.Errorf("writing %s: tensor %q: %s %v cannot be written", path, it.Name, it.DType, it.Shape)
		}
		if it.TiedTo == "" {
			continue
		}
		to := byName[it.TiedTo]
		if to == nil || to.TiedTo != "" || to.DType != it.DType || !slices.Equal(to.Shape, it.Shape) {
			return fmt.Errorf("writing %s: tensor %q is tied to %q, which is not there or of another shape or type", path, it.Name, it.TiedTo)
		}
	}
	switch filepath.Ext(path) {
	case ".safetensors":
		return writeSafetensors(path, items, notes)
	case ".pth", ".pt", ".bin":
		return writePTH(path, items, notes, 1<<32-1)
	}
	return fmt.Errorf("writing %s: the suffix must be .pth or .safetensors", path)
}

// Save is [Write] with the configuration added to the notes, so that [OpenModel] needs no file beside. What shapes tell
// is kept as well and compared when the file is opened.
func Save(path string, cfg lxmert.Config, items []Item, notes map[string]string) error {
	text, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	all := maps.Clone(notes)
	if all == nil {
		all = map[string]string{}
	}
	all[ConfigKey] = string(text)
	return Write(path, items, all)
}

func writeSafetensors(path string, items []Item, notes map[string]string) error {
	var out []safetensors.Item
	for _, it := range items {
		if it.TiedTo == "" {
			out = append(out, safetensors.Item{Name: it.Name, DType: string(it.DType), Shape: it.Shape, Values: it.Values})
		}
	}
	safetensors.Sort(out)
	metadata := map[string]string{"format": "pt"} // transformers asks for it
	maps.Copy(metadata, notes)
	return atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error {
		return safetensors.Write(w, out, metadata)
	})
}

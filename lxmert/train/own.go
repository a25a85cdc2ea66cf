package train

import (
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file is about parameters that an objective has beside the model's.

// ownPrefix begins their names, so that a snapshot of the model stays what the original loads.
const ownPrefix = "own."

func isOwn(name string) bool { return strings.HasPrefix(name, ownPrefix) }

// OwnFile is the file of an objective's own parameters beside a snapshot, X.own.safetensors beside X.pth.
func OwnFile(snapshot string) string {
	return strings.TrimSuffix(snapshot, ".pth") + ".own.safetensors"
}

func checkOwn(params []lxmert.Param) error {
	seen := map[string]bool{}
	for _, p := range params {
		switch {
		case !isOwn(p.Name) || p.Name == ownPrefix:
			return fmt.Errorf("train: the parameter %q is none of the model's, so its name must begin with %q", p.Name, ownPrefix)
		case seen[p.Name]:
			return fmt.Errorf("train: the parameter %q is there twice", p.Name)
		case lxmert.Size(p.Shape) < 1:
			return fmt.Errorf("train: the parameter %q has shape %v", p.Name, p.Shape)
		}
		seen[p.Name] = true
	}
	return nil
}

// saveOwn writes the objective's own parameters, if it has some.
func (t *Trainer) saveOwn(path string) error {
	var items []weights.Item
	for _, v := range t.vars.list {
		if isOwn(v.Name) {
			items = append(items, v.item(v.Name, func() ([]float32, error) { return host(v.value, v.shape) }))
		}
	}
	if items == nil {
		return nil
	}
	return weights.Write(path, items, nil)
}

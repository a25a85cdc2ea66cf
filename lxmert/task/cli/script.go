package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// Script is one of the published run/*.bash: a task, its flags, and the output folder snap/TASK/NAME.
type Script struct {
	Name  string
	Task  *dataset.Task
	Flags string // separated by spaces
}

// pretrainScript is the one whose experiment has no name: its folder is snap/pretrain/lxmert.
const pretrainScript = "lxmert_pretrain"

// Scripts are the published ones: of every task one to fine-tune and one to try, and that of pre-training.
func Scripts() (scripts []Script) {
	for _, t := range dataset.Tasks() {
		scripts = append(scripts, Script{t.Name + "_finetune", t, t.Recipe.FineTune}, Script{t.Name + "_test", t, t.Recipe.Try})
	}
	return append(scripts, Script{pretrainScript, dataset.Pretraining, dataset.Pretraining.Recipe.FineTune})
}

// layerFlags are the published model's sizes, which every script gives.
var layerFlags = []string{"--llayers", "9", "--xlayers", "5", "--rlayers", "5"}

// ScriptLine is the command line that the arguments of a published script stand for: its name (the ending .bash may be
// there), the GPUs, the experiment's name, and further flags. gpus is for CUDA_VISIBLE_DEVICES.
func ScriptLine(args []string) (t *dataset.Task, flags []string, gpus string, err error) {
	name := strings.Join(args[:min(1, len(args))], "")
	scripts := Scripts()
	i := slices.IndexFunc(scripts, func(s Script) bool { return s.Name == strings.TrimSuffix(filepath.Base(name), ".bash") })
	if i < 0 {
		var names []string
		for _, s := range scripts {
			names = append(names, s.Name)
		}
		return nil, nil, "", usage("there is no script %q; there are %s", name, strings.Join(names, ", "))
	}
	s := scripts[i]
	if s.Name == pretrainScript && len(args) > 1 {
		args = slices.Insert(slices.Clone(args), 2, "lxmert")
	}
	if len(args) < 3 || strings.HasPrefix(args[1], "-") || strings.HasPrefix(args[2], "-") {
		if s.Name == pretrainScript {
			return nil, nil, "", usage("run %s needs the GPUs: lxmert run %s 0,1,2,3 --multiGPU", s.Name, s.Name)
		}
		return nil, nil, "", usage("run %s needs the GPUs and a name: lxmert run %s 0 my_experiment", s.Name, s.Name)
	}
	gpus, name = args[1], args[2]
	if filepath.Base(name) != name || name == "." || name == ".." {
		return nil, nil, "", usage("the name %q becomes a folder in snap/%s, so it can have no slash", name, s.Task)
	}
	set := pflag.NewFlagSet(s.Name, pflag.ContinueOnError)
	New(s.Task).Add(set)
	more := Expand(args[3:], set)
	flags = strings.Fields(s.Flags)
	if !has(more, "config") {
		flags = append(flags, layerFlags...) // else the configuration says how many there are
	}
	flags = append(flags, "--tqdm", "--output", "snap/"+s.Task.Name+"/"+name)
	return s.Task, append(flags, more...), gpus, nil
}

// has says whether a flag is given.
func has(args []string, name string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "--"+name || strings.HasPrefix(a, "--"+name+"=") })
}

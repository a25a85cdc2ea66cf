package toy

import (
	"fmt"
	"path/filepath"
	"strings"
)

// learning are the flags of `lxmert vqa` that differ from its defaults: three sets of questions one after the other, from
// easy to all kinds, each for some epochs, with a learning rate for a small model that begins from nothing.
const learning = "--train stage1,stage2,train --curriculum 1,0.6,0.95 --valid minival --fromScratch --batchSize 32 --lr 7e-4"

// TrainFlags are the flags of `lxmert vqa` that teach a model of [ModelConfig] the questions of the world in dir, into the
// folder dir/snap/vqa/NAME. On the whole world and two cores with XLA it takes some two and a half minutes.
func TrainFlags(dir, name string, seed uint64) []string {
	return flags(learning, dir, seed, "vqa", name)
}

// flags are those of a command, with the world's files and a folder dir/snap/KIND/NAME.
func flags(learning, dir string, seed uint64, kind, name string) []string {
	return append(strings.Fields(learning),
		"--data", filepath.Join(dir, "data"), "--config", filepath.Join(dir, "config.json"),
		"--seed", fmt.Sprint(seed), "--output", filepath.Join(dir, "snap", kind, name))
}

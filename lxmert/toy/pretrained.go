package toy

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// Pretrained stands, like [Name], for weights: those of a model of the world that is pre-trained only, with all six heads, where
// the world's own model is fine-tuned on its questions.
const Pretrained = "toy-pretrained"

// pretrainedSeed is that of the world whose features the kept weights know.
const pretrainedSeed = 1

// pretrainedFile is Epoch03_LXRT.pth of a run with [PretrainFlags] and the seed 1.
//
//go:embed pretrained_LXRT.pth
var pretrainedFile []byte

// learningSentences are the flags of `lxmert pretrain` that differ from its defaults. Sentences about few objects come first, as for
// fine-tuning: about full pictures alone, matching is not learnt.
const learningSentences = "--train stage1,stage2,mscoco_train --curriculum 1,0.8,1 --valid mscoco_minival --fromScratch --batchSize 64 --lr 1e-3"

// PretrainFlags are the flags of `lxmert pretrain` that teach a model of [ModelConfig] the sentences of the world in dir, into
// the folder dir/snap/pretrain/NAME, in nine minutes or less on two cores with XLA; README.md beside
// this file has what comes out.
func PretrainFlags(dir, name string, seed uint64) []string {
	return flags(learningSentences, dir, seed, "pretrain", name)
}

// IsWeights says whether a name of weights is one that the world has.
func IsWeights(name string) bool { return name == Name || name == Pretrained }

// FindWeights is [Find] for one of the names of weights, whose files are [Named].Weights then. The pre-trained ones are kept in
// this program, since making them takes minutes; they are put into the world's folder when they are first asked for, as
// snap/pretrained/model_LXRT.pth, where the published ones are in theirs.
func FindWeights(name string) (*Named, error) {
	n, err := Find()
	if err != nil || name != Pretrained {
		return n, err
	}
	dir := filepath.Dir(n.Data)
	path := pretrainedPath(dir)
	n.Weights = strings.TrimSuffix(path, "_LXRT.pth")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return n, nil // whoever reads it says what is wrong with it
	}
	w, err := readStamp(dir)
	if err != nil {
		return nil, err
	}
	if w.Seed != pretrainedSeed {
		return nil, fmt.Errorf("toy: there are pre-trained weights for the world of the seed %d, and %s is that of %d; `lxmert pretrain %s` makes them, then %s is to be %s",
			pretrainedSeed, dir, w.Seed, strings.Join(PretrainFlags(dir, "toy", w.Seed), " "), filepath.Join(dir, "snap", "pretrain", "toy", "Epoch03_LXRT.pth"), path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("toy: the pre-trained weights: %w", err)
	}
	return n, atomicfile.Write(path, 0o666, pretrainedFile)
}

// RemovePretrained removes the weights that [FindWeights] has put into the world in dir. Others in their place stay.
func RemovePretrained(dir string) error {
	path := pretrainedPath(dir)
	got, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(got, pretrainedFile) {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	return err
}

// pretrainedPath is where the world in dir has its pre-trained weights.
func pretrainedPath(dir string) string {
	return filepath.Join(dir, "snap", "pretrained", "model_LXRT.pth")
}

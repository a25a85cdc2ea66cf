// Package release knows where the files of LXMERT's authors belong and which command brings them, for errors about one
// that is not there. What the command does is package fetch's; a test there holds this table against its manifest.
package release

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/shell"
)

// sets says which set of `lxmert fetch` has a file: the smallest, of several.
var sets = func() map[string]string {
	all := map[string]string{"data/vocab.txt": "vocab", "data/lxmert/all_ans.json": "weights", "snap/pretrained/model_LXRT.pth": "weights"}
	add := func(set, dir, ending string, names ...string) {
		for _, name := range names {
			all[dir+"/"+name+ending] = set
		}
	}
	add("vqa", "data/vqa", ".json", "train", "nominival", "minival", "test", "trainval_ans2label", "trainval_label2ans")
	add("gqa", "data/gqa", ".json", "train", "valid", "testdev", "submit", "trainval_ans2label", "trainval_label2ans")
	add("nlvr2", "data/nlvr2", ".json", "train", "valid", "test")
	add("pretrain", "data/lxmert", ".json", "mscoco_train", "mscoco_nominival", "mscoco_minival", "vgnococo")
	add("vqa", "data/mscoco_imgfeat", "_obj36.tsv", "train2014", "val2014", "test2015")
	add("gqa", "data/vg_gqa_imgfeat", "_obj36.tsv", "vg_gqa", "gqa_testdev")
	add("nlvr2", "data/nlvr2_imgfeat", "_obj36.tsv", "train", "valid", "test")
	for _, epoch := range []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "20"} {
		add("epoch"+epoch, "snap/pretrained", "_LXRT.pth", "Epoch"+epoch)
	}
	return all
}()

// Sets returns the set that has each file, by its place below the folder of data and snap.
func Sets() map[string]string {
	out := make(map[string]string, len(sets))
	for place, set := range sets {
		out[place] = set
	}
	return out
}

// Bring is the command that brings the file which belongs at a path, and where it puts it: "`lxmert fetch vqa --dir /x`" for
// /x/data/vqa/train.json, and "`lxmert fetch vqa` (into a folder data)" for /x/mine/vqa/train.json, as the command puts files
// into a folder of that name only. It is "" if no published file has that name in such a folder.
func Bring(file string) string {
	file = filepath.ToSlash(filepath.Clean(file))
	elsewhere := ""
	for place, set := range sets {
		if dir, ok := strings.CutSuffix(file, place); ok && (dir == "" || strings.HasSuffix(dir, "/")) {
			return "`" + command(set, dir) + "`"
		}
		if _, inner, ok := strings.Cut(place, "data/"); ok && strings.Contains(inner, "/") && strings.HasSuffix("/"+file, "/"+inner) {
			elsewhere = "`" + command(set, "") + "` (into a folder data)"
		}
	}
	return elsewhere
}

// Weights is where the published weights belong that a name calls, with or without its endings, and the command that brings
// them there. The names are those of [weights.Resolve]; ok is false for those of other weights.
func Weights(name string) (place, fetch string, ok bool) {
	dir, base := path.Split(filepath.ToSlash(filepath.Clean(name)))
	stem := strings.TrimSuffix(strings.TrimSuffix(base, ".pth"), "_LXRT")
	home, there := strings.CutSuffix(dir, "snap/pretrained/")
	if there = there && (home == "" || strings.HasSuffix(home, "/")); !there {
		home = dir
	}
	if stem == "model" && stem == base && !there {
		return "", "", false // anybody's model may be called so
	}
	place = "snap/pretrained/" + stem + "_LXRT.pth"
	set, ok := sets[place]
	if !ok {
		return "", "", false
	}
	return home + place, command(set, home), true
}

func command(set, dir string) string {
	words := []string{"lxmert", "fetch", set}
	if dir != "" {
		words = append(words, "--dir", path.Clean(dir))
	}
	return shell.Line(words)
}

package session

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// nameAnswers finds the names of a head's classes: in the file that the spec names, else in one beside the weights or in
// data/ that has as many. note says how to get them where there are none.
func nameAnswers(h *lxmert.AnswerHead, s *client.Spec) (note string, err error) {
	if h.Classes == 0 {
		if s.Answers != "" {
			return fmt.Sprintf("%s is not used: these weights have no head that answers", s.Answers), nil
		}
		return "", nil
	}
	if s.Answers != "" {
		names, err := dataset.ReadAnswerNames(s.Answers)
		if err != nil {
			return "", err
		}
		if len(names) != h.Classes {
			return "", &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: %s has %d answers, the model of %s has %d: they are of another data set", s.Answers, len(names), s.Weights, h.Classes)}
		}
		h.Answers = names
		return "", nil
	}
	if h.Images == 2 && h.Classes == 2 {
		h.Answers = []string{"False", "True"}
		return "", nil
	}
	file, folders := "trainval_label2ans.json", []string{"vqa", "gqa"}
	if h.Output == "out.qa" {
		file, folders = "all_ans.json", []string{"lxmert"}
	}
	paths := []string{filepath.Join(s.Weights, file), filepath.Join(filepath.Dir(s.Weights), file)}
	for _, f := range folders {
		paths = append(paths, filepath.Join(s.Folder, "data", f, file))
	}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		names, err := dataset.ReadAnswerNames(path)
		if err != nil {
			return "", err
		}
		if len(names) == h.Classes {
			h.Answers, s.Answers = names, path
			return "", nil
		}
	}
	return fmt.Sprintf("no file names the %d answers of %s, so they are numbered: give VQA's or GQA's trainval_label2ans.json, or pre-training's all_ans.json, as Answers", h.Classes, s.Weights), nil
}

// readSmall reads a file that must not have more bytes than most.
func readSmall(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d MB, this is another kind of file", path, most>>20)
	}
	return text, nil
}

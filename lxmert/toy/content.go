package toy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
)

// product is what one picture, or one group of NLVR2's, adds to the files.
type product struct {
	rows, scenes, truth []byte
	labelled            [][]byte // questions with answers, each a JSON object
	unlabelled          [][]byte // the same without
	pretrain            []byte   // nil: none
	sums                []byte   // of the pictures' files, one after another
	pictures, rendered  int
}

// answerLabel is the one right answer with its score, as question files have it.
type answerLabel map[string]float64

type vqaEntry struct {
	ID           int         `json:"question_id"`
	Image        string      `json:"img_id"`
	Text         string      `json:"sent"`
	Label        answerLabel `json:"label,omitempty"`
	QuestionType string      `json:"question_type,omitempty"`
	AnswerType   string      `json:"answer_type,omitempty"`
}

type gqaEntry struct {
	ID    string      `json:"question_id"`
	Image string      `json:"img_id"`
	Text  string      `json:"sent"`
	Label answerLabel `json:"label,omitempty"`
}

type nlvr2Entry struct {
	ID         string `json:"uid"`
	Identifier string `json:"identifier"`
	Left       string `json:"img0"`
	Right      string `json:"img1"`
	Text       string `json:"sent"`
	Label      int    `json:"label"`
}

// pretrainEntry is a picture's sentences by set, and the answers of those that are questions.
type pretrainEntry struct {
	Image     string `json:"img_id"`
	Sentences struct {
		COCO []string `json:"mscoco,omitempty"`
		VG   []string `json:"vg,omitempty"`
		VQA  []string `json:"vqa,omitempty"`
		GQA  []string `json:"gqa,omitempty"`
	} `json:"sentf"`
	Labels struct {
		VQA []answerLabel `json:"vqa,omitempty"`
		GQA []answerLabel `json:"gqa,omitempty"`
	} `json:"labelf"`
}

// Truth is what the world knows about a question or statement.
type Truth struct {
	ID   string `json:"question_id"` // as text in every task; NLVR2: the uid
	Kind string `json:"kind"`        // one of Kinds, or of PairKinds
	// ROIs show what is asked about, each as a whole: the object (color, shape, where), the first and the second object
	// (position, side), all objects that there are of what it asks for (exist, count), of the first and then of the second
	// thing (compare). NLVR2: all that the statement is about in the left picture.
	ROIs []int `json:"rois"`
	// Right are those in the right picture; NLVR2 only.
	Right []int `json:"rois1,omitempty"`
	// Novel: one of these has a combination that is never trained, or the question names one.
	Novel bool `json:"novel,omitempty"`
}

// maker makes the contents of files.
type maker struct {
	seed       uint64
	directions directions
	folder     *folder
}

// addScene adds a picture's row, scene and file.
func (m *maker) addScene(p *product, rng *rand.Rand, s *Scene, rendered bool) error {
	labels := detect(rng, s)
	p.rows = appendRow(p.rows, s, labels, m.directions.features(rng, s))
	text, err := line(s)
	if err != nil {
		return err
	}
	p.scenes = append(p.scenes, text...)
	p.pictures++
	if rendered {
		sum, err := m.folder.writePicture(s)
		if err != nil {
			return err
		}
		p.sums = append(p.sums, sum...)
		p.rendered++
	}
	return nil
}

// picture makes the i-th picture of a set of VQA or GQA, and its questions.
func (m *maker) picture(set *pictureSet, i int) (p product, err error) {
	rng := rand.New(stream(m.seed, set.key(), i))
	s := drawScene(rng, set.id(i), set.recipe)
	questions := ask(rng, s, set.recipe)
	var sentences []string
	if i < set.captioned {
		sentences = captions(rng, s)
	}
	if i < set.told {
		// What a picture's other sentences are changes nothing else about it.
		sentences = tell(rand.New(stream(m.seed, "captions "+set.key(), i)), s, sentences)
		if p.pretrain, err = pretraining(set, s.ID, sentences, questions); err != nil {
			return p, err
		}
	}
	for k, q := range questions {
		labelled, unlabelled, id := set.entries(s, i, k, q)
		text, err := line(Truth{ID: id, Kind: q.kind, ROIs: q.rois, Novel: q.novel})
		if err != nil {
			return p, err
		}
		p.truth = append(p.truth, text...)
		for _, part := range []struct {
			entry any
			to    *[][]byte
		}{{labelled, &p.labelled}, {unlabelled, &p.unlabelled}} {
			text, err := json.Marshal(part.entry)
			if err != nil {
				return p, err
			}
			*part.to = append(*part.to, text)
		}
	}
	return p, m.addScene(&p, rng, s, i < set.drawn)
}

// entries are a question's objects in the files, and its id as text.
func (set *pictureSet) entries(s *Scene, i, k int, q question) (labelled, unlabelled any, id string) {
	answer := answerLabel{q.answer: 1}
	if set.task == "gqa" {
		e := gqaEntry{ID: fmt.Sprintf("%08d", (set.first+i)*10+k), Image: s.ID, Text: q.text}
		unlabelled = e
		e.Label = answer
		return e, unlabelled, e.ID
	}
	e := vqaEntry{ID: (set.first+i)*1000 + k, Image: s.ID, Text: q.text}
	unlabelled = e
	e.Label, e.QuestionType = answer, q.kind
	switch {
	case q.answer == "yes" || q.answer == "no":
		e.AnswerType = "yes/no"
	case q.kind == KindCount:
		e.AnswerType = "number"
	default:
		e.AnswerType = "other"
	}
	return e, unlabelled, strconv.Itoa(e.ID)
}

// pretraining is a picture's record for pre-training.
func pretraining(set *pictureSet, id string, sentences []string, questions []question) ([]byte, error) {
	e := pretrainEntry{Image: id}
	captions, texts, labels := &e.Sentences.COCO, &e.Sentences.VQA, &e.Labels.VQA
	if set.task == "gqa" {
		captions, texts, labels = &e.Sentences.VG, &e.Sentences.GQA, &e.Labels.GQA
	}
	*captions = sentences
	for _, q := range questions {
		*texts = append(*texts, q.text)
		*labels = append(*labels, answerLabel{q.answer: 1})
	}
	return json.Marshal(e)
}

// group makes the i-th group of NLVR2's pictures and its statements.
func (m *maker) group(set *pictureSet, i int) (p product, err error) {
	rng := rand.New(stream(m.seed, set.key(), i))
	g := drawGroup(rng, set.recipe, statementsInGroup, func(pair, picture int) string { return set.pairID(i, pair, picture) })
	for k, s := range g.statements {
		for pair, pictures := range g.pairs {
			e := nlvr2Entry{
				ID:         fmt.Sprintf("nlvr2_%s_%d", set.name, (i*len(g.statements)+k)*len(g.pairs)+pair),
				Identifier: fmt.Sprintf("%s-%d-%d-%d", set.image, i, pair, k),
				Left:       pictures[0].ID, Right: pictures[1].ID, Text: s.text,
			}
			if s.holds(pictures[0], pictures[1]) {
				e.Label = 1
			}
			entry, err := json.Marshal(e)
			if err != nil {
				return p, err
			}
			p.labelled = append(p.labelled, entry)
			text, err := line(Truth{ID: e.ID, Kind: s.kind, ROIs: s.about.in(pictures[0]), Right: s.about.in(pictures[1])})
			if err != nil {
				return p, err
			}
			p.truth = append(p.truth, text...)
		}
	}
	for _, pair := range g.pairs {
		for _, s := range pair {
			if err := m.addScene(&p, rng, s, i < set.drawn); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// write puts a product into the files of its set.
func (m *maker) write(set *pictureSet, p *product) error {
	type piece struct {
		path string
		list bool
		text [][]byte
	}
	pieces := []piece{{scenePath(set.key()), false, [][]byte{p.scenes}}, {truthPath(set.key()), false, [][]byte{p.truth}}}
	for _, name := range set.features {
		pieces = append(pieces, piece{featurePath(name), false, [][]byte{p.rows}})
	}
	if set.unlabelled != set.task+"/"+set.name {
		pieces = append(pieces, piece{set.questions(), true, p.labelled})
	}
	if set.unlabelled != "" {
		pieces = append(pieces, piece{questionPath(set.unlabelled), true, p.unlabelled})
	}
	if p.pretrain != nil {
		pieces = append(pieces, piece{set.pretrainTo(), true, [][]byte{p.pretrain}})
	}
	for _, part := range pieces {
		if err := m.folder.append(part.path, part.list, part.text...); err != nil {
			return err
		}
	}
	return nil
}

// writeTables writes what is the same in every world: the model's configuration, the vocabulary and the answer tables.
func (m *maker) writeTables() error {
	config, err := configFile()
	if err != nil {
		return err
	}
	var toLabel []string
	type preAnswer struct {
		Answer string   `json:"ans"`
		Sets   []string `json:"dsets"`
	}
	var all [][]byte
	for i, answer := range Answers {
		toLabel = append(toLabel, fmt.Sprintf(" %q: %d", answer, i))
		text, err := json.Marshal(preAnswer{answer, []string{"vqa", "gqa"}})
		if err != nil {
			return err
		}
		all = append(all, text)
	}
	list, err := json.MarshalIndent(Answers, "", " ")
	if err != nil {
		return err
	}
	files := []struct {
		path string
		text []byte
	}{{configPath, config}, {vocabPath, vocabFile()}}
	for _, task := range []string{"vqa", "gqa"} {
		files = append(files, []struct {
			path string
			text []byte
		}{
			{path.Join("data", task, "trainval_ans2label.json"), []byte("{\n" + strings.Join(toLabel, ",\n") + "\n}\n")},
			{path.Join("data", task, "trainval_label2ans.json"), append(list, '\n')},
		}...)
	}
	for _, f := range files {
		if err := m.folder.append(f.path, false, f.text); err != nil {
			return err
		}
	}
	return m.folder.append(questionPath("lxmert/all_ans"), true, all...)
}

package lx

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// ProbeOptions are settings of [Probe]. The zero value is good.
type ProbeOptions struct {
	Rows  int    // words and regions that are read at most, of each; 0: 2000
	Seed  uint64 // of the parts, the control tasks and the intervals
	Codes bool   // the lengths of online codes as well, which take most of the time
}

// Probe asks at which level what can be read from the states of words and of regions: a curve for each task, beside a control
// task, the most frequent label and the same model with random weights, and a table. Tasks are "object", "attribute",
// "position" and "size" of regions; "word-class", "present", "named-attribute" and "named-position" of words; "question-type" and
// "object-count" of whole sentences and pictures; none: all of these for which the data have labels. "matched", whether a sentence was
// shown with its own picture or another one, takes a further run of the model and is asked for by name. Pictures that a probe is judged by are not those that it was fitted to.
//
//	lx.Show(lx.Probe(m, m.Questions("heldout", 200), "attribute", "named-attribute"))
func Probe(m *Model, questions []QA, tasks ...string) analysis.Collection {
	return ProbeWith(m, questions, ProbeOptions{}, tasks...)
}

// ProbeWith is [Probe] with other settings.
func ProbeWith(m *Model, questions []QA, opt ProbeOptions, tasks ...string) analysis.Collection {
	settings := client.StudySettings{Tasks: tasks, Rows: opt.Rows, Seed: opt.Seed, Codes: opt.Codes, Random: true}
	return must(studied[analysis.Collection](m, "probe", questions, settings))
}

// CKA says how alike all levels of both streams are: debiased linear CKA, over the pictures of questions.
func CKA(m *Model, questions []QA) analysis.Matrix {
	return must(studied[analysis.Matrix](m, "cka", questions, client.StudySettings{}))
}

// Fusion says, place by place, how well words and regions can be told apart without being told which is which: 1 apart, near
// 0 fused.
func Fusion(m *Model, questions []QA) analysis.Curve {
	return must(studied[analysis.Curve](m, "fusion", questions, client.StudySettings{}))
}

// Coreference says how often cross-attention knows which region a word means: a probe of all heads, the best head, chance.
func Coreference(m *Model, questions []QA) analysis.Table {
	return must(studied[analysis.Table](m, "coreference", questions, client.StudySettings{}))
}

// PCA draws the states of words and regions along their two main directions, at each place where the streams can meet.
func PCA(m *Model, questions []QA) analysis.Collection {
	return must(studied[analysis.Collection](m, "pca", questions, client.StudySettings{}))
}

// Align says whether words and regions share a space, and from which level on: how far apart their means are (the modality gap),
// whether an example has the same neighbours by its words as by its picture, and whether a line tells words from regions.
func Align(m *Model, questions []QA) analysis.Collection {
	return must(studied[analysis.Collection](m, "align", questions, client.StudySettings{}))
}

// Ablation hides a word that names exactly one region, and says how surprising it is with all regions, without those that show it
// and without any; then it hides that region and takes words away. The more surprise grows, the more the model looks from one
// to the other. The model must have the heads of pre-training: lx.Open("toy-pretrained"), or the published Epoch20_LXRT.pth.
func Ablation(m *Model, questions []QA) analysis.Table {
	return must(studied[analysis.Table](m, "ablation", questions, client.StudySettings{}))
}

// Erase takes a concept out of each level, so that no linear probe can read it (LEACE), and says what that does to the answers:
// whether it is used, and not only there to be read. A concept is one of the tasks of [Probe], or one label of it against all
// others, such as "attribute=red", for which there are directions as well. Erasers are fitted to one half of the questions and tried
// on the other. A target is named as in [Explain]; without one it is the probability of the model's own answer.
//
//	lx.Show(lx.Erase(m, m.Questions("heldout", 400), "attribute"))
func Erase(m *Model, questions []QA, concept string, target ...string) analysis.Collection {
	if len(target) > 1 {
		fail(fmt.Errorf("%q: Erase reads one target at a time", target))
	}
	settings := client.StudySettings{Tasks: []string{concept}, Target: strings.Join(target, "")}
	return must(studied[analysis.Collection](m, "erase", questions, settings))
}

// dataOf says in a few words what questions are, for figures.
func dataOf(questions []QA) string {
	if from := questions[0].From; from != "" {
		return fmt.Sprintf("%d questions of %s", len(questions), from)
	}
	return fmt.Sprintf("%d questions from %q on", len(questions), questions[0].Text)
}

// studied has the session run a study and shows how it goes.
func studied[R analysis.Result](m *Model, name string, questions []QA, settings client.StudySettings) (found R, err error) {
	show, done := gauge()
	defer done()
	raw, err := m.Study(cell().ctx, name, asked(questions), settings, show)
	if err != nil {
		return found, err
	}
	var c analysis.Collection
	if err := json.Unmarshal(raw, &c); err != nil {
		return found, fmt.Errorf("what the session found: %w", err)
	}
	found, ok := analysis.First[R](c)
	if !ok {
		return found, fmt.Errorf("the session found no %s", analysis.KindOf(found))
	}
	return found, nil
}

// gauge is a line in the cell that says how far something is, and goes when it is done.
func gauge() (show func(what string, done, total int), end func()) {
	if !gonbui.IsNotebook {
		return func(string, int, int) {}, func() {}
	}
	id, drawn := "lx-"+gonbui.UniqueId(), time.Time{}
	shown := false
	return func(what string, done, total int) {
			if time.Since(drawn) < minPictureTime {
				return
			}
			drawn, shown = time.Now(), true
			gonbui.UpdateHtml(id, fmt.Sprintf(`<p>%s: %d of %d <progress value="%d" max="%d"></progress></p>`, html.EscapeString(what), done, total, done, total))
		}, func() {
			if shown {
				gonbui.UpdateHtml(id, "")
			}
		}
}

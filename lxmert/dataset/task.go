package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// This file says what a task is. The package comment says how to add one.

// Task describes a task of fine-tuning: where its questions and pictures are, what counts as right, how a model learns it,
// and how predictions are handed in. It is plain data that is only read; whoever loads, trains, predicts or asks goes by what
// it says, and never by its name.
type Task struct {
	Name  string // of its folder of question files and of its command: "vqa"
	Title string // in messages: "VQA"
	About string // what it is, in a few words
	Noun  string // what its entries are called, in the plural: "questions"

	Entry    Entry
	Features Features
	Truth    Truth
	// Layouts are those in which the authors publish the questions, see [Inspect]. None: only as LXMERT reads them.
	Layouts []Layout

	// Head is the model's head, Loss the training loss and OneAnswerLoss that with --mceLoss ("": the same), by the names
	// that package lxrt knows.
	Head, Loss, OneAnswerLoss string
	// Pretrains: it has the losses of pre-training instead of a head of its own, see [Pretraining].
	Pretrains bool
	// NeedsPretraining: from random parameters nothing is learnt, so that has to be asked for.
	NeedsPretraining bool
	// StepsLine is what the reference prints before training, with the number of steps.
	StepsLine string

	// Predictions are what the values of --test ask for. A value that none of them is about names splits of one's own.
	Predictions []Prediction
	Dump        Dump

	Recipe Recipe
}

// Entry says what the fields of an entry are called, besides "sent", the sentence, and "label". The fields "question_type"
// and "answer_type" may be there.
type Entry struct {
	ID         string   // such as "question_id"
	Number     bool     // the id is an integer, there and where predictions are handed in; else a text
	Identifier string   // the name under which predictions are handed in; "": the id
	Pictures   []string // the name of each picture: "img_id", or "img0" and "img1"
}

// Features says which feature files belong to a split, by their names without "_obj36.tsv". A split that is not published
// has its own, called like it.
type Features struct {
	Folder string            // below the data folder
	Splits map[string]string // of the published splits
	// First is how many rows of its file a split takes, where that is not all of them.
	First map[string]int
	// PerSplit: a file is loaded for every split that names it, in their order. Else it is loaded once, those in Order first.
	PerSplit bool
	Order    []string
	// OncePerRun: a file that another set of the run has loaded is not loaded again.
	OncePerRun bool
	// Alone is a file whose pictures replace those of all other published ones, and of which there are never fewer.
	Alone string
	// Others are the files of a split that is not published and has none of its own: the first of those for its name that is
	// there, else the last of them.
	Others []Fallback
}

// Fallback is a feature file for splits whose names contain a text.
type Fallback struct{ Contains, File string }

// Truth says what is right.
type Truth struct {
	// Table: one of the answers in the task's answer table, and the label gives answers scores. Without it an entry is true or
	// false, and the label is 1 or 0.
	Table bool
	// Strict: a training question with an answer outside the table is an error. Else nothing is right for it.
	Strict bool
	// Joint is what the answers are called in pre-training's answer table ("dsets"), so that the head may start from
	// pre-training's answer head. "": it may not.
	Joint string
	// Consistency: the score is also that of groups of entries, see package task.
	Consistency bool
}

// Prediction is what a value of --test asks for.
type Prediction struct {
	Contains string   // it is about values that contain this,
	Values   []string // or that are one of these
	Splits   []string // to predict; none: those that the value names
	File     string   // in the output folder
	Score    bool     // print the score, too
}

// Dump is how predictions are written for whoever scores them.
type Dump struct {
	// Answer and ID are the members of the objects of a JSON list. Without them it is lines "identifier,True".
	Answer, ID string
	// Join stands between the splits in the name of a file of splits of one's own.
	Join string
}

// Recipe is how the task was published.
type Recipe struct {
	FineTune string   // the flags of run/<task>_finetune.bash, but for sizes and output
	Try      string   // the flags of run/<task>_test.bash
	Predict  []string // splits to predict with what came out
	// Results are the scores that the authors publish of it (README of their code), local validation first.
	Results []Published
}

// Published is a published score.
type Published struct {
	Name  string  // of the authors: "test-dev"
	Split string  // whose answers are there, so that anybody can measure it; "": a server scores the predictions
	Score float64 // percent
	// Low and High are the range in which the authors expect what others get; 0: they say none.
	Low, High float64
}

// Tasks are the tasks that are known, each in a file of its own.
func Tasks() []*Task { return []*Task{VQA, GQA, NLVR2} }

// Trainings are what a model can be trained on: [Tasks] and [Pretraining].
func Trainings() []*Task { return append(Tasks(), Pretraining) }

// FindTask returns a known task by its name. The error lists those that there are.
func FindTask(name string) (*Task, error) { return named(Tasks(), name) }

// FindTraining returns a known task, or pre-training, by its name. The error lists what there is.
func FindTraining(name string) (*Task, error) { return named(Trainings(), name) }

func named(tasks []*Task, name string) (*Task, error) {
	for _, t := range tasks {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("dataset: there is no task %q; there are %s", name, listed(tasks, "and"))
}

// TaskNames lists the names of the known tasks as a sentence does, with a word before the last.
func TaskNames(conjunction string) string { return listed(Tasks(), conjunction) }

func listed(tasks []*Task, conjunction string) string {
	var names []string
	for _, t := range tasks {
		names = append(names, t.Name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + conjunction + " " + names[last]
}

// String is the task's name.
func (t *Task) String() string {
	if t == nil {
		return ""
	}
	return t.Name
}

// Pictures is how many pictures an example is about.
func (t *Task) Pictures() int { return len(t.Entry.Pictures) }

// fields are those that must be there in every entry.
func (t *Task) fields() []string {
	fields := []string{t.Entry.ID}
	if t.Entry.Identifier != "" {
		fields = append(fields, t.Entry.Identifier)
	}
	return append(append(fields, t.Entry.Pictures...), "sent")
}

// Check says what a description lacks.
func (t *Task) Check() error {
	missing := func(what string) error {
		return fmt.Errorf("dataset: the task %q says no %s", t.Name, what)
	}
	switch {
	case t == nil:
		return errors.New("dataset: no task is given; there are " + TaskNames("and"))
	case t.Name == "" || t.Name == "." || t.Name == ".." || strings.ContainsAny(t.Name, `/\`):
		return fmt.Errorf("dataset: a task cannot be called %q, as its folder is", t.Name)
	case t.Title == "" || t.Noun == "":
		return missing("Title or Noun, which messages have")
	case t.Entry.ID == "":
		return missing("Entry.ID, the field of an entry's id")
	case len(t.Entry.Pictures) == 0 || slices.Contains(t.Entry.Pictures, ""):
		return missing("Entry.Pictures, the field of each picture's name")
	case t.Features.Folder == "":
		return missing("Features.Folder, where its feature files are")
	case t.Head == "" || t.Loss == "":
		return missing("Head or Loss, which training needs")
	case (t.Dump.Answer == "") != (t.Dump.ID == ""):
		return missing("Dump.Answer or Dump.ID, of which it has the other")
	case t.Dump.Answer != "" && !t.Truth.Table:
		return fmt.Errorf("dataset: the task %q has no answer table, so its predictions are lines: Dump.Answer and Dump.ID are for answers", t.Name)
	case t.Dump.Answer == "" && t.Truth.Table:
		return missing("Dump.Answer and Dump.ID, the members under which answers are handed in")
	}
	return nil
}

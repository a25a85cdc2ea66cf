package dataset

// Label is an answer that counts as right, and how much: 1 is fully right. VQA's scores are 0.3, 0.6, 0.9 and 1.
type Label struct {
	Answer string
	Score  float64
}

// Example is one question (VQA, GQA) or statement (NLVR2). Examples share the memory of strings and of Images and Labels
// that repeat: they must not be changed.
type Example struct {
	ID     string   // question_id (VQA: a decimal integer) or NLVR2's uid
	Images []string // ids of the pictures: one, in NLVR2 two
	Text   string   // the sentence as in the file

	Labels []Label // in the file's order; nil where the file has none, and in NLVR2
	Class  int     // NLVR2: 1 if the statement is true, 0 if not; -1 where the file does not say, and in the other tasks

	Identifier               string // NLVR2: such as "dev-850-0-1"
	QuestionType, AnswerType string // where the file says
}

// StatementAnswers are the names of the classes of a statement, NLVR2's, in their order.
func StatementAnswers() [2]string { return [2]string{"False", "True"} }

// Right says how much each answer counts, 0 to 1, by its name; of a statement, see [StatementAnswers]. Nil where the file does not say.
func (e *Example) Right() map[string]float64 {
	if e.Class >= 0 {
		return map[string]float64{StatementAnswers()[e.Class]: 1}
	}
	if len(e.Labels) == 0 {
		return nil
	}
	right := map[string]float64{}
	for _, l := range e.Labels {
		right[l.Answer] = l.Score
	}
	return right
}

package dataset

// GQA is compositional question answering: one of 1842 answers, one of them right.
var GQA = &Task{
	Name: "gqa", Title: "GQA", About: "compositional question answering, GQA", Noun: "questions",
	Entry: Entry{ID: "question_id", Pictures: []string{"img_id"}},
	Features: Features{
		Folder: "vg_gqa_imgfeat",
		Splits: map[string]string{
			"train": "vg_gqa", "valid": "vg_gqa", "submit": "vg_gqa", "train_all": "vg_gqa", "valid_all": "vg_gqa", "submit_all": "vg_gqa",
			"testdev": "gqa_testdev", "testdev_all": "gqa_testdev",
		},
		Order:      []string{"vg_gqa"},
		OncePerRun: true,
		Alone:      "gqa_testdev",
		Others:     []Fallback{{"", "vg_gqa"}},
	},
	Truth:   Truth{Table: true, Joint: "gqa"},
	Layouts: []Layout{GQAQuestions},
	Head:    "task", Loss: "soft answers", OneAnswerLoss: "one answer",
	StepsLine: "Total Iters: %d\n",
	Predictions: []Prediction{
		{Contains: "submit", File: "submit_predict.json"},
		{Contains: "testdev", Splits: []string{"testdev"}, File: "testdev_predict.json", Score: true},
	},
	Dump: Dump{Answer: "prediction", ID: "questionId", Join: "+"},
	Recipe: Recipe{
		FineTune: "--train train,valid --valid testdev --loadLXMERTQA snap/pretrained/model --batchSize 32 --optim bert --lr 1e-5 --epochs 4",
		Try:      "--tiny --train train --valid=",
		Predict:  []string{"testdev"},
		Results:  []Published{{"local validation", "testdev", 59.80, 59.8, 60.1}, {"test-dev", "", 60.00, 0, 0}, {"test-standard", "", 60.33, 0, 0}},
	},
}

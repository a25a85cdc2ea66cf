package dataset

// VQA is visual question answering, VQA v2: one of 3129 answers, with soft scores.
var VQA = &Task{
	Name: "vqa", Title: "VQA", About: "visual question answering, VQA v2", Noun: "questions",
	Entry: Entry{ID: "question_id", Number: true, Pictures: []string{"img_id"}},
	Features: Features{
		Folder:   "mscoco_imgfeat",
		Splits:   map[string]string{"train": "train2014", "valid": "val2014", "minival": "val2014", "nominival": "val2014", "test": "test2015"},
		First:    map[string]int{"minival": 5000}, // minival's pictures are the first of COCO's validation file
		PerSplit: true,
	},
	Truth:   Truth{Table: true, Strict: true, Joint: "vqa"},
	Layouts: []Layout{VQAQuestions, VQAAnnotations},
	Head:    "task", Loss: "soft answers",
	StepsLine: "BertAdam Total Iters: %d\n",
	Predictions: []Prediction{
		{Contains: "test", File: "test_predict.json"},
		{Values: []string{"val", "valid", "minival", "nominival"}, Splits: []string{"minival"}, File: "minival_predict.json", Score: true},
	},
	Dump: Dump{Answer: "answer", ID: "question_id", Join: "+"},
	Recipe: Recipe{
		FineTune: "--train train,nominival --valid minival --loadLXMERTQA snap/pretrained/model --batchSize 32 --optim bert --lr 5e-5 --epochs 4",
		Try:      "--tiny --train train --valid= --batchSize 32 --optim bert --lr 5e-5 --epochs 4",
		Predict:  []string{"minival", "test"},
		Results:  []Published{{"local validation", "minival", 69.90, 69.7, 70.2}, {"test-dev", "", 72.42, 0, 0}, {"test-standard", "", 72.54, 0, 0}},
	},
}

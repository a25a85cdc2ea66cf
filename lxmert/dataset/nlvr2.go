package dataset

// NLVR2 is whether a statement is true of two pictures.
var NLVR2 = &Task{
	Name: "nlvr2", Title: "NLVR2", About: "statements about two pictures, NLVR2", Noun: "statements",
	Entry: Entry{ID: "uid", Identifier: "identifier", Pictures: []string{"img0", "img1"}},
	Features: Features{
		Folder: "nlvr2_imgfeat",
		Splits: map[string]string{"train": "train", "valid": "valid", "test": "test"},
		Order:  []string{"train", "valid", "test"},
		// The reference loads nothing for the split "hidden", whose pictures are usually put into one of these files.
		Others: []Fallback{{"hidden", "hidden"}, {"hidden", "test"}, {"test", "test"}},
	},
	Truth:   Truth{Consistency: true},
	Layouts: []Layout{NLVR2Lines},
	Head:    "task", Loss: "label",
	NeedsPretraining: true,
	StepsLine:        "Total Iters: %d\n",
	Predictions:      []Prediction{{Contains: "hidden", File: "hidden_predict.csv"}},
	Dump:             Dump{Join: ","},
	Recipe: Recipe{
		FineTune: "--train train --valid valid --loadLXMERT snap/pretrained/model --batchSize 32 --optim bert --lr 5e-5 --epochs 4",
		Try:      "--tiny",
		Predict:  []string{"test"},
		Results:  []Published{{"local validation", "valid", 74.95, 74.0, 74.5}, {"test-P", "test", 74.45, 0, 0}, {"test-U", "", 76.18, 0, 0}},
	},
}

package release

import "testing"

func TestCommandsBringFilesToTheirPlaces(t *testing.T) {
	for file, want := range map[string]string{
		"data/vqa/train.json":                          "`lxmert fetch vqa`",
		"./data//vqa/train.json":                       "`lxmert fetch vqa`",
		"/x y/data/gqa/trainval_label2ans.json":        "`lxmert fetch gqa --dir '/x y'`",
		"/data/nlvr2/test.json":                        "`lxmert fetch nlvr2 --dir /`",
		"../data/lxmert/all_ans.json":                  "`lxmert fetch weights --dir ..`",
		"data/mscoco_imgfeat/val2014_obj36.tsv":        "`lxmert fetch vqa`",
		"data/vocab.txt":                               "`lxmert fetch vocab`",
		"/home/u/run/snap/pretrained/Epoch20_LXRT.pth": "`lxmert fetch epoch20 --dir /home/u/run`",
		"mydata/vqa/train.json":                        "`lxmert fetch vqa` (into a folder data)",
		"vg_gqa_imgfeat/vg_gqa_obj36.tsv":              "`lxmert fetch gqa` (into a folder data)",
		"data/vqa/mine.json":                           "", // one's own
		"data/vqa/train.json/x":                        "",
		"data/mscoco_imgfeat/own_obj36.tsv":            "",
		"train.json":                                   "",
		"x/vocab.txt":                                  "",
		"xvqa/train.json":                              "",
		"":                                             "",
	} {
		if got := Bring(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

func TestWeightsAreKnownByAnyOfTheirNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"Epoch20_LXRT.pth":            {"snap/pretrained/Epoch20_LXRT.pth", "lxmert fetch epoch20"},
		"Epoch20":                     {"snap/pretrained/Epoch20_LXRT.pth", "lxmert fetch epoch20"},
		"./Epoch03.pth":               {"snap/pretrained/Epoch03_LXRT.pth", "lxmert fetch epoch03"},
		"snap/pretrained/model":       {"snap/pretrained/model_LXRT.pth", "lxmert fetch weights"},
		"model_LXRT.pth":              {"snap/pretrained/model_LXRT.pth", "lxmert fetch weights"},
		"/x/snap/pretrained/model":    {"/x/snap/pretrained/model_LXRT.pth", "lxmert fetch weights --dir /x"},
		"/x/notebooks/Epoch12_LXRT":   {"/x/notebooks/snap/pretrained/Epoch12_LXRT.pth", "lxmert fetch epoch12 --dir /x/notebooks"},
		"model":                       {},
		"/x/model":                    {},
		"mysnap/pretrained/model":     {},
		"Epoch13_LXRT.pth":            {},
		"snap/vqa/vqa_lxr955/BEST":    {},
		"unc-nlp/lxmert-base-uncased": {},
		"":                            {},
	} {
		place, fetch, ok := Weights(name)
		if place != want[0] || fetch != want[1] || ok != (want[0] != "") {
			t.Errorf("%s: %q, %q, %v; want %q", name, place, fetch, ok, want)
		}
	}
}

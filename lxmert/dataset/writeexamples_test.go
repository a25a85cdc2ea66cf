package dataset_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

func TestExamplesThatAreWrittenAreRead(t *testing.T) {
	for _, c := range []struct {
		task *dataset.Task
		text string
	}{
		{dataset.VQA, `[{"question_id": 7, "img_id": "a", "sent": "what \"is\" é?", "label": {"net": 1, "racket": 0.3}, "question_type": "what", "answer_type": "other"},
			{"question_id": 12, "img_id": "b", "sent": "no label"}]`},
		{dataset.GQA, `[{"question_id": "007", "img_id": "n1", "sent": "is it red?", "label": {"yes": 1.0}}]`},
		{dataset.NLVR2, `[{"uid": "nlvr2_dev_0", "identifier": "dev-1-0-0", "img0": "l", "img1": "r", "sent": "Two dogs.", "label": 0},
			{"uid": "nlvr2_dev_1", "identifier": "dev-1-0-1", "img0": "l", "img1": "r", "sent": "One dog."}]`},
	} {
		want, err := dataset.ReadExamples(t.Context(), c.task, strings.NewReader(c.text), "given")
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := dataset.WriteExamples(&b, c.task, want); err != nil {
			t.Fatal(err)
		}
		got, err := dataset.ReadExamples(t.Context(), c.task, &b, "written")
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: read %+v, wrote %+v: %v", c.task, got, want, err)
		}
	}
}

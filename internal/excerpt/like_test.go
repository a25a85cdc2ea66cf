package excerpt

import "testing"

func TestTheLikestNamesComeFirst(t *testing.T) {
	names := []string{"bert.pooler.dense.bias", "logit_fc.0.weight", "bert.encoder.layer.0.output.dense.weight", "logit_fc.3.bias"}
	for _, c := range []struct {
		name string
		most int
		want string
	}{
		{"logitfc.0.bias", 2, "logit_fc.3.bias, logit_fc.0.weight, …"},
		{"BERT.POOLER", 1, "bert.pooler.dense.bias, …"},
		{"x", 4, "bert.pooler.dense.bias, logit_fc.0.weight, bert.encoder.layer.0.output.dense.weight, logit_fc.3.bias"},
	} {
		if got := Like(c.name, names, c.most); got != c.want {
			t.Errorf("%s is like %s, expected %s", c.name, got, c.want)
		}
	}
}

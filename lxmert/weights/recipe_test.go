package weights

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestRecipeHasSizesRatesAndRange(t *testing.T) {
	for _, folder := range goldentest.Folders(t, "model") {
		r, err := ReadRecipe(filepath.Join(folder, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		w, err := OpenModel(filepath.Join(folder, "tiny", "weights.safetensors"), "")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		got, want := r.Config, w.Config
		for _, c := range []*lxmert.Config{&got, &want} {
			c.LM, c.Match, c.FeatHead, c.Special = false, false, false, lxmert.SpecialIDs{}
		}
		if got != want {
			t.Errorf("%s: sizes %+v, the weights have %+v", folder, got, want)
		}
		if r.HiddenDropout != 0 || r.AttentionDropout != 0 || r.Range != 0.02 {
			t.Errorf("%s: %+v", folder, r)
		}
	}
	path := filepath.Join(t.TempDir(), "config.json")
	write := func(text string) error {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := ReadRecipe(path)
		return err
	}
	for _, text := range []string{`{"hidden_size": 8}`, "\ufeff" + `{"hidden_size": 8}`} {
		if err := write(text); err != nil {
			t.Error(err)
		}
	}
	for text, want := range map[string]string{
		`{"hidden_size": 8, "hidden_dropout_prob": 1}`: "hidden_dropout_prob is 1",
		`{"hidden_size": 8, "initializer_range": 0}`:   "initializer_range is 0",
		`{"hidden": 8}`:      "is not a configuration",
		`[`:                  "unexpected end",
		"\xff\xfe{\x00}\x00": "text in UTF-16, not JSON",
	} {
		if err := write(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", text, err, want)
		}
	}
}

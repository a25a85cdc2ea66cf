package shell

import (
	"os/exec"
	"strings"
	"testing"
)

func TestAShellReadsWhatWasMeant(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	for _, word := range []string{"", "plain/path_1.json", "my run", "it's", `"$HOME"`, "~", "a;b", "*", "!x", "é", "a\nb", "--flag=x y", "=cmd", "{a,b}"} {
		out, err := exec.Command(sh, "-c", "printf %s "+Word(word)).CombinedOutput()
		if err != nil || string(out) != word {
			t.Errorf("%q is written %s, which a shell reads as %q (%v)", word, Word(word), out, err)
		}
	}
	if got := Line([]string{"lxmert", "vqa", "--output", "my run"}); got != "lxmert vqa --output 'my run'" || strings.Contains(Word("data/vqa/train.json"), "'") {
		t.Error(got)
	}
}

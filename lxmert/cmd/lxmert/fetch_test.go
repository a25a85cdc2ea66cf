package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/fetch"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// smallManifest is the published manifest without the downloads' sizes, for which a test's disk need not have room, and
// without the one file whose checksum no test can bring about.
func smallManifest() *fetch.Manifest {
	m := *fetch.Published()
	m.Sets, m.Files = slices.Clone(m.Sets), slices.Clone(m.Files)
	for i, s := range m.Sets {
		m.Sets[i].Files = slices.DeleteFunc(slices.Clone(s.Files), func(f string) bool { return f == "data/vocab.txt" })
	}
	for i, f := range m.Files {
		m.Files[i].Sources = slices.Clone(f.Sources)
		for j := range f.Sources {
			m.Files[i].Sources[j].About = 0
		}
	}
	return &m
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestFetchBringsATaskFromAFolderServer serves official NLVR2 files and golden region features, and ends with the files
// that the task reads.
func TestFetchBringsATaskFromAFolderServer(t *testing.T) {
	for _, golden := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			remote, local := t.TempDir(), t.TempDir()
			for _, split := range []string{"train", "dev", "test1"} {
				line := `{"identifier":"` + split + `-7-0-1","sentence":"Two \"dogs\".","label":"True","extra":[1]}` + "\n"
				writeFile(t, filepath.Join(remote, "raw.githubusercontent.com/lil-lab/nlvr/master/nlvr2/data", split+".json"), []byte(line))
			}
			for _, split := range []string{"train", "valid", "test"} {
				tsv, err := os.ReadFile(filepath.Join(golden, "toy/data/nlvr2_imgfeat", split+"_obj36.tsv"))
				if err != nil {
					t.Fatal(err)
				}
				var b bytes.Buffer
				z := zip.NewWriter(&b)
				w, err := z.Create("data/somewhere/" + split + "_obj36.tsv")
				if err == nil {
					_, err = w.Write(tsv)
				}
				if err == nil {
					err = z.Close()
				}
				if err != nil {
					t.Fatal(err)
				}
				writeFile(t, filepath.Join(remote, "data/nlvr2_imgfeat", split+"_obj36.zip"), b.Bytes())
			}
			s := httptest.NewServer(http.FileServer(http.Dir(remote)))
			defer s.Close()

			fetchAll := func(args ...string) string {
				t.Helper()
				out, log, err := execute(fetchInto(fetch.Fetcher{Manifest: smallManifest()}), append(args, "nlvr2", "--dir", local, "--base-url", s.URL)...)
				if err != nil {
					t.Fatalf("%v\n%s", err, log)
				}
				return out
			}
			if out := fetchAll(); strings.Count(out, "fetched ") != 6 || !strings.Contains(out, filepath.Join(local, "data/nlvr2_imgfeat/train_obj36.zip")) {
				t.Errorf("printed\n%s", out)
			}
			text, err := os.ReadFile(filepath.Join(local, "data/nlvr2/valid.json"))
			if err != nil {
				t.Fatal(err)
			}
			var statements []map[string]any
			if err := json.Unmarshal(text, &statements); err != nil {
				t.Fatal(err)
			}
			if s := statements[0]; len(statements) != 1 || s["uid"] != "nlvr2_valid_0" || s["img1"] != "dev-7-0-img1" || s["label"] != 1.0 || s["sent"] != `Two "dogs".` {
				t.Errorf("made %s", text)
			}
			if out := fetchAll("--unpack"); strings.Count(out, "there ") != 3 || strings.Count(out, "fetched ") != 3 {
				t.Errorf("printed\n%s", out)
			}
			src, err := region.Open(filepath.Join(local, "data/nlvr2_imgfeat/train_obj36.tsv"))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			if ids, err := src.IDs(t.Context()); err != nil || len(ids) == 0 {
				t.Errorf("%d images, error %v", len(ids), err)
			}
			if _, err := os.Stat(filepath.Join(local, "data/nlvr2_imgfeat/train_obj36.zip")); err == nil {
				t.Error("the zip is still there")
			}
			if out := fetchAll("--list"); strings.Count(out, "there ") != 6 {
				t.Errorf("listed\n%s", out)
			}
		})
	}
}

// TestPackedFeaturesAreNotFetchedAgain: a store makes its TSV needless, a folder of that name does not.
func TestPackedFeaturesAreNotFetchedAgain(t *testing.T) {
	dir := t.TempDir()
	features := filepath.Join(dir, "data", "nlvr2_imgfeat")
	tsv := filepath.Join(goldentest.Folders(t, "model")[0], "toy/data/nlvr2_imgfeat/train_obj36.tsv")
	store := filepath.Join(features, "train_obj36.store")
	if err := os.MkdirAll(features, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := region.Pack(t.Context(), tsv, store, region.PackOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(features, "valid_obj36.store"), 0o777); err != nil {
		t.Fatal(err)
	}
	out, _, err := execute(fetchCommand(), "--list", "nlvr2", "--dir", dir)
	if err != nil || strings.Count(out, "packed ") != 1 || !strings.Contains(out, store) {
		t.Errorf("error %v, listed\n%s", err, out)
	}
}

func TestFetchListsSetsAndFiles(t *testing.T) {
	out, _, err := execute(fetchCommand(), "--list")
	if err != nil || !strings.Contains(out, "vqa") || !strings.Contains(out, "epoch12") {
		t.Errorf("error %v, printed\n%s", err, out)
	}
	dir := t.TempDir()
	out, _, err = execute(fetchCommand(), "--list", "weights", "--dir", dir)
	if err != nil || !strings.Contains(out, "missing  ~870 MB  snap/pretrained/model_LXRT.pth from https://nlp.cs.unc.edu/data/model_LXRT.pth\n") {
		t.Errorf("error %v, printed\n%s", err, out)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFetchSaysWhatIsMissingAndWhereItBelongs(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"vocab", "--base-url", s.URL, "--dir", dir}, "404 Not Found; download " + s.URL + "/data/vocab.txt by hand and put it at " + filepath.Join(dir, "data/vocab.txt")},
		{[]string{"weights", "vocab", "--base-url", s.URL, "--dir", dir}, "3 of the 3 files of weights are missing"},
		{[]string{"vg"}, `there is no set "vg" but vqa, gqa`},
		{nil, "which set? there are vqa, gqa"},
		{[]string{"vocab", "--base-url", "fileserver"}, "not an address like"},
	} {
		if _, _, err := execute(fetchCommand(), c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v does not say %q", c.args, err, c.want)
		}
	}
}

// TestFetchKnowsAnotherLayoutUnderAPublishedName: it is not there, stays as it is, and the command that converts it is named.
func TestFetchKnowsAnotherLayoutUnderAPublishedName(t *testing.T) {
	inFolder(t, map[string]string{
		"data/gqa/train.json": gqaQuestions, "data/gqa/valid.json": `[{"question_id": "1", "img_id": "n1", "sent": "a"}]`, "data/gqa/testdev.json": `["yes"]`,
		"data/gqa/trainval_ans2label.json": `{"yes": 0}`, "data/gqa/trainval_label2ans.json": `["yes"]`,
		"data/vqa/train.json": vqaQuestions, "data/lxmert/mscoco_train.json": `[{"question_id": 1, "img_id": "n1", "sent": "a"}]`, "data/lxmert/all_ans.json": `[{"ans": "yes", "dsets": []}]`,
	})
	for set, wants := range map[string][]string{
		"gqa": {"data/gqa/train.json: not the file that is expected: it has GQA's official questions, not questions as LXMERT reads them: `lxmert questions data/gqa/train.json --out data/gqa/train.json` converts it",
			"data/gqa/testdev.json: not the file that is expected: unreadable data set file: data/gqa/testdev.json: in no layout that is known"},
		"vqa":      {"it has VQA's official questions, not questions as LXMERT reads them: `lxmert questions data/vqa/train.json ANNOTATIONS.json --out data/vqa/train.json`"},
		"pretrain": {"data/lxmert/mscoco_train.json: not the file that is expected: it has questions as LXMERT reads them, not sentences of LXMERT's pre-training"},
	} {
		out, _, err := execute(fetchCommand(), set, "--list")
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nmust say %s", set, err, want)
			}
		}
		there := map[string]int{"gqa": 3, "vqa": 0, "pretrain": 0}[set] + 1 // and all_ans.json
		if n := strings.Count(out, "there "); n != there {
			t.Errorf("%s: %d files are there, must be %d:\n%s", set, n, there, out)
		}
	}
	if text, err := os.ReadFile("data/gqa/train.json"); err != nil || string(text) != gqaQuestions {
		t.Errorf("data/gqa/train.json is %s, %v", text, err)
	}
}

func TestConversionsOfTheManifestAreKnown(t *testing.T) {
	for _, f := range fetch.Published().Files {
		for _, s := range f.Sources {
			if s.Convert == "" {
				continue
			}
			official := `{"1":{"imageId":"2","question":"?","answer":"no"}}`
			if strings.HasPrefix(s.Convert, "nlvr2 ") {
				official = `{"identifier":"a-0-1","sentence":"?","label":"False"}`
			}
			var out bytes.Buffer
			if err := convertOfficial(t.Context(), s.Convert, &out, strings.NewReader(official)); err != nil || !json.Valid(out.Bytes()) {
				t.Errorf("%s: %v, %s", f.Path, err, &out)
			}
		}
	}
	if err := convertOfficial(t.Context(), "x", nil, nil); err == nil {
		t.Error("there is a conversion x")
	}
}

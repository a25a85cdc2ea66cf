package region

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// How much of a source [Examine] looks at: its first images, up to these numbers of images and of features.
const (
	maxExaminedImages   = 32
	maxExaminedFeatures = 1 << 22
)

// Look is what [Examine] found.
type Look struct {
	// Fingerprint is that of all images, where the source is a packed store, else of those that were looked at.
	Fingerprint Fingerprint
	// Notes say how the source is read, where that is not as it is documented.
	Notes []string
	// Doubts say what is unlikely in it.
	Doubts []string
}

// Lines are what a person should know about a source, called path, and a model that was trained on features with some
// fingerprints (see [TrainedOn]), which says so where they differ. With none the model is taken for one that was trained
// on the published features if its features have their number.
func (l Look) Lines(path string, trained map[string]Fingerprint) (lines []string) {
	for _, note := range l.Notes {
		lines = append(lines, fmt.Sprintf("note: %s: %s", path, note))
	}
	doubts := l.Doubts
	if len(trained) == 0 && l.Fingerprint.Dim == publishedDim {
		doubts = append(l.Fingerprint.unpublished(), doubts...)
	}
	for _, doubt := range doubts {
		lines = append(lines, fmt.Sprintf("warning: %s: %s", path, doubt))
	}
	if far := l.Fingerprint.Unlike(trained); len(far) > 0 {
		lines = append(lines, fmt.Sprintf("warning: the features of %s are unlike those that the model was trained on: %s", path, strings.Join(far, "; ")))
	}
	return lines
}

// Examine looks at the first 32 images of a source, and at those images of it that are going to be used, for what would
// make a model's answers worthless without any other sign. What is certainly wrong with the file is the error, which wraps
// [ErrForm]; what is unlikely is a note. Its cost does not grow with the source. An image that cannot be read is for
// whoever uses it to say.
func Examine(ctx context.Context, s Source, used ...*Regions) (Look, error) {
	var t tally
	var halves int // images whose every other feature is 0
	seen := map[string]bool{}
	features := 0
	add := func(r *Regions) error {
		if seen[r.ID] {
			return nil
		}
		seen[r.ID] = true
		if err := r.checkForm(); err != nil {
			return err
		}
		if everyOtherIsZero(r.Features) {
			halves++
		}
		features += len(r.Features)
		t.add(measure(r), r.N, r.Dim, r.Width, r.Height)
		return nil
	}
	for _, r := range used {
		if err := add(r); err != nil {
			return Look{}, err
		}
	}
	images := 0
	for r, err := range s.All(ctx) {
		if err != nil {
			break
		}
		if err := add(r); err != nil {
			return Look{}, err
		}
		if images++; images == maxExaminedImages || features >= maxExaminedFeatures {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return Look{}, err
	}
	look := Look{Fingerprint: t.fingerprint()}
	if store, ok := s.(*Store); ok {
		look.Fingerprint = store.Fingerprint()
	}
	look.Notes = notesOf(s)
	look.Doubts = look.Fingerprint.Doubts()
	if n := t.f.Images; n > 0 && halves == n {
		look.Doubts = append(look.Doubts, doubtHalves)
	}
	return look, nil
}

// notesOf says how a source is read where it is not as documented.
func notesOf(s Source) []string {
	if said, ok := s.(interface{ notes() []string }); ok {
		return slices.Clone(said.notes())
	}
	return nil
}

// doubtHalves is what is said where all images are so.
const doubtHalves = "every other feature is 0: they look like float64 that were read as float32"

// everyOtherIsZero says whether the features at even places are 0, and enough of the others are not to tell.
func everyOtherIsZero(values []float32) bool {
	others := 0
	for i, v := range values {
		if i%2 == 0 && v != 0 {
			return false
		}
		if i%2 == 1 && v != 0 {
			others++
		}
	}
	return others >= 32 && 4*others >= len(values)/2
}

// Few images say less about all: of fewer than minCompared only the number of features is compared with training, and below
// minTrusted differences count only if they are twice as large as usual.
const (
	minCompared = 16
	minTrusted  = 256
)

// Unlike says in what features differ from those that a model was trained on, of several files from the one that they are
// most like; see [Fingerprint.Compare].
func (f Fingerprint) Unlike(trained map[string]Fingerprint) (nearest []string) {
	for i, path := range slices.Sorted(maps.Keys(trained)) {
		other := trained[path]
		var far []string
		switch {
		case f.Images >= minTrusted:
			far = f.Compare(other)
		case f.Images >= minCompared || f.Dim != other.Dim:
			far = f.compare(other, 2)
		}
		if i == 0 || len(far) < len(nearest) {
			nearest = far
		}
	}
	return nearest
}

// TrainedOn reads the fingerprints of the features that a model was trained on from the run.json beside its weights, as
// training here leaves it, by the features' files. Without one there are none: weights from elsewhere do not say.
func TrainedOn(load string) map[string]Fingerprint {
	path, err := weights.Resolve(load)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "run.json"))
	if err != nil {
		return nil
	}
	var run struct {
		Features map[string]Fingerprint `json:"features"`
	}
	if json.Unmarshal(text, &run) != nil {
		return nil
	}
	return run.Features
}

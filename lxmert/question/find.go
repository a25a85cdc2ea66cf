package question

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// finder finds the regions of one batch's pictures.
type finder struct {
	asker    *Asker
	open     map[string]*Source           // by the names in Options.Regions
	used     []string                     // those that had a picture
	pictures map[string][]*region.Regions // of each of them
	releases []func()
}

func newFinder(a *Asker) finder {
	return finder{asker: a, open: map[string]*Source{}, pictures: map[string][]*region.Regions{}}
}

func (f *finder) close() {
	for _, release := range f.releases {
		release()
	}
}

// source opens one of Options.Regions once.
func (f *finder) source(path string) (*Source, error) {
	if s := f.open[path]; s != nil {
		return s, nil
	}
	s, release, err := openSource(f.asker.files, path)
	if err != nil {
		return nil, err
	}
	f.open[path] = s
	f.releases = append(f.releases, release)
	return s, nil
}

// regions finds a picture's regions in the first of the files that has it, by any of the ids that its name may stand for.
func (f *finder) regions(ctx context.Context, id string) (*region.Regions, error) {
	var missing []error
	for i, form := range IDForms(id) {
		var absent []error
		found, err := f.find(ctx, form, &absent)
		if err != nil || found != nil {
			return found, err
		}
		if i == 0 {
			missing = absent
		}
	}
	if len(missing) == 1 {
		return nil, missing[0]
	}
	return nil, fmt.Errorf("%w; the other %d feature files do not have it either", missing[0], len(missing)-1)
}

// find looks for an id in all files; absent gets an error of each that does not have it.
func (f *finder) find(ctx context.Context, id string, absent *[]error) (*region.Regions, error) {
	look := func(r *region.Regions, err error) (*region.Regions, error) {
		if errors.Is(err, region.ErrNotFound) {
			*absent = append(*absent, err)
			return nil, nil
		}
		return r, err
	}
	opt := &f.asker.opt
	if opt.Find != nil {
		return look(opt.Find(ctx, id))
	}
	for _, path := range opt.Regions {
		source, err := f.source(path)
		if err != nil {
			return nil, err
		}
		stop := f.asker.sayLong(id, path)
		found, err := look(source.Find(ctx, id))
		stop()
		if found != nil {
			if f.pictures[path] == nil {
				f.used = append(f.used, path)
			}
			f.pictures[path] = append(f.pictures[path], found)
		}
		if err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// doubts looks at the files that had pictures, each once.
func (f *finder) doubts(ctx context.Context) (lines []string, err error) {
	for _, path := range f.used {
		look, err := f.open[path].Examine(ctx, f.pictures[path]...)
		if err != nil {
			return nil, err
		}
		lines = append(lines, look.Lines(path, f.asker.trained)...)
	}
	return lines, nil
}

// IDForms are the ids that a name may stand for: itself, and for "val2014/17" the id of COCO's picture 17 of that set.
func IDForms(name string) []string {
	forms := []string{name}
	set, number, ok := strings.Cut(name, "/")
	if !ok || number == "" || len(number) > 12 || strings.Trim(number, "0123456789") != "" {
		return forms
	}
	number = strings.Repeat("0", 12-len(number)) + number
	for _, year := range []string{"", "2014", "2015"} {
		forms = append(forms, "COCO_"+set+year+"_"+number)
	}
	return forms
}

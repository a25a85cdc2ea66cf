package toy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// A small world, its questions about the first picture to report on, and the RoIs that they are about.
func ExampleMake() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	world, err := toy.Make(ctx, filepath.Join(dir, "world"), toy.Options{Scale: 0.001})
	if err != nil {
		fmt.Println(err)
		return
	}
	picture := ""
	for scene, err := range world.Scenes("vqa", "heldout") {
		if err != nil {
			fmt.Println(err)
			return
		}
		picture = scene.ID
		for _, o := range scene.Objects {
			fmt.Println("RoI", o.ROI, "is a", o.Size, o.Color, o.Shape)
		}
		break
	}
	n := 0
	for truth, err := range world.Truths("vqa", "heldout") {
		if err != nil {
			fmt.Println(err)
			return
		}
		if n++; n <= 2 {
			fmt.Println(truth.Kind, truth.ROIs)
		}
	}
	r, err := region.Find(ctx, filepath.Join(world.Data(), "mscoco_imgfeat", "heldout_obj36.tsv"), picture)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.ID, r.N, "RoIs of", r.Dim, "features")
	// Output:
	// RoI 3 is a small green cross
	// RoI 7 is a small yellow star
	// RoI 1 is a large green triangle
	// RoI 0 is a small green circle
	// color [7]
	// shape [7]
	// COCO_test2015_000000500001 8 RoIs of 64 features
}

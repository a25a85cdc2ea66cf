package figure

import "testing"

func TestPlatesStayInThePictureAndOffOtherLines(t *testing.T) {
	picture := rect{0, 0, 200, 200}
	box, around := rect{60, 40, 40, 40}, rect{50, 30, 100, 100}
	lines := ring(around, 4)
	plate := place(picture, box, 60, 10, []weighed{{lines, 4}, {[]rect{box}, 0.05}})
	for _, l := range append(lines, box) {
		if plate.overlap(l) > 0 {
			t.Errorf("plate %v covers %v", plate, l)
		}
	}
	for _, corner := range []rect{{0, 0, 20, 20}, {180, 180, 20, 20}, {0, 0, 200, 200}} {
		if p := place(picture, corner, 60, 10, nil); p.overlap(picture) < 60*10-1e-9 {
			t.Errorf("the plate of %v is at %v, outside", corner, p)
		}
	}
}

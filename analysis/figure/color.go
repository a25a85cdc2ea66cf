package figure

import (
	"image/color"

	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// Scale is a sequence of colours for numbers.
type Scale = layout.Scale

const (
	ByKind  = layout.ByKind  // Paper for scores and Viridis for everything else
	Paper   = layout.Paper   // from nearly white to dark blue: what is not relevant disappears on a white page
	Viridis = layout.Viridis // from dark violet to yellow
	Cividis = layout.Cividis // from dark blue to yellow, nearly alike to people with and without colour blindness
)

var (
	black    = layout.Text
	white    = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	grey     = color.NRGBA{0x66, 0x66, 0x66, 0xff}
	paleGrey = color.NRGBA{0xb4, 0xb4, 0xb4, 0xff}
	pale     = color.NRGBA{0xf2, 0xf2, 0xf2, 0xff} // pieces that are not scaled
)

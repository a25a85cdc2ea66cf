// Package value writes any value of Go as text for people to look at: what stands at the end of a cell, or is handed to
// lx.Show and has no picture. The text looks like that of fmt's %+v, is of bounded length whatever the value holds, and
// is the same each time: it shows no addresses.
//
// It imports little, because every cell that ends with a value links it.
package value

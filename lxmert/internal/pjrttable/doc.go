// Package pjrttable knows the table of functions by which go-xla calls an XLA plugin. go-xla offers
// no hook between itself and the plugin, so packages that need one put a changed copy of the table in its place: table.h has
// the table as C sees it.
package pjrttable

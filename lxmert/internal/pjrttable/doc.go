// Package pjrttable knows the table of functions by which go-xla calls an XLA plugin. go-xla has no way to stand between itself
// and the plugin, so whoever has to puts a copy of the table in its place: table.h has the table as C sees it.
package pjrttable

// Package session is the resident process behind the notebooks: it holds the compute backend, models with their compiled
// graphs, feature files, training runs, and values that cells have kept by name. Package client talks to it.
//
// A [Server] listens on a unix socket in a folder that only its user can enter, and checks who is at the other end of
// each connection. Calls take turns by notebook and end when their caller goes away; training runs go on without anybody
// watching, one at a time, and what happens to them is recorded for whoever looks later. A memory limit closes the
// models that were used longest ago. It draws what cells have computed, figures and pages, because a cell that linked
// fonts and encoders would take twice as long to build. Nothing that a client sends is executed: it names files, which are read, and run
// directories, which are written as the command line writes them.
//
// The server ends by itself when nobody has wanted anything for a while, or soon after its program has been replaced.
package session

// Package backend chooses what computes: XLA on an NVIDIA GPU, XLA on the processor, or GoMLX's pure Go backend.
//
// [Open] takes a short spec ("", "cpu", "cuda", "go", "xla:/path/to/plugin.so"), finds an XLA plugin on this machine, and
// says in one line what it took. XLA comes as one shared library, a PJRT plugin; this package looks for it where its own
// [Install] puts it, in PJRT_PLUGIN_LIBRARY_PATH, in go-xla's folders and in Python environments. Nothing is ever
// downloaded unless [Install] is called.
//
// A broken plugin can take the whole process down, so a plugin that was found by searching is first tried in a child
// process. That child is this same program: a main function that wants the protection calls [MaybeProbe] first.
// Programs that do not call it load plugins directly.
//
// Without cgo, and on systems that go-xla does not know, only the Go backend is there; it is always opened as
// "go:ops_sequential", because in its default mode it deadlocks on models of this size.
package backend
